import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

const bans = async (): Promise<unknown[]> => JSON.parse((await hive.skep(["bans", "--json"])).out);

test("a machine that is not there is refused as not found by every command that takes one, and nothing is banned", async () => {
  const commands = [
    ["drain", "nope"],
    ["ban", "worker", "nope", "--yes"],
    ["ban", "node", "nope", "--yes"],
    ["node", "label", "nope", "gpu"],
    ["node", "remove", "nope", "--yes"],
    ["node", "quarantine", "nope"],
    ["node", "release", "nope"],
  ];
  for (const argv of commands) {
    const { code, err } = await hive.skep(argv);
    assert.deepEqual([argv.join(" "), code], [argv.join(" "), 3]);
    assert.match(err, /Cannot find machine: "nope"\n.*`skep nodes`/);
  }
  assert.deepEqual(await bans(), []);
});

test("what cannot be banned by that name is refused before anything is asked", async () => {
  for (const [kind, name] of [
    ["module", "abc"],
    ["class", "foo"],
    ["subject", "a b"],
  ] as const) {
    const { code, err } = await hive.skep(["ban", kind, name], { tty: true, input: ["y\n"] });
    assert.equal(code, 2, kind);
    assert.match(err, new RegExp(`Cannot ban by that name: "${name}"`));
    assert.doesNotMatch(err, /\[y\/N\]|Invalid string/);
  }
  assert.deepEqual(await bans(), []);
});
