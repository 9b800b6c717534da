import assert from "node:assert/strict";
import { test } from "node:test";
import { type Danger, command } from "./command.ts";
import { createFakeIo, type FakeIoOptions } from "./fake-io.ts";
import { program } from "./program.ts";
import { runProgram } from "./run.ts";

async function asked(danger: Danger, flags: readonly string[], options: FakeIoOptions = {}) {
  let done = false;
  const table = program({
    name: "skep",
    version: "1",
    summary: "Test",
    examples: [],
    groups: [{ key: "g", title: "G" }],
    commands: [
      command({
        name: "purge",
        group: "g",
        summary: "Purge",
        examples: [{ run: "skep purge", doc: "All" }],
        danger,
        run: async ({ confirm }) => {
          await confirm({ act: "Remove the home", name: "hive-1" });
          done = true;
        },
      }),
    ],
    completers: {},
  });
  const io = createFakeIo(["purge", ...flags], options);
  const code = await runProgram(table, io);
  return { done, code, err: io.err() };
}

const typing = (...input: string[]): FakeIoOptions => ({ tty: true, input, env: { NO_COLOR: "1" } });

test("a mild act goes on where nobody can be asked, and on a bare Enter", async () => {
  assert.equal((await asked("mild", [])).done, true);
  assert.equal((await asked("mild", [], typing("\n"))).done, true);
  assert.equal((await asked("mild", [], typing("n\n"))).done, false);
});

test("a moderate act needs a yes, typed or beforehand", async () => {
  assert.deepEqual(await asked("moderate", [], typing("y", "es\n")), {
    done: true,
    code: 0,
    err: "Remove the home? [y/N] ",
  });
  assert.equal((await asked("moderate", [], typing("\n"))).done, false);
  assert.equal((await asked("moderate", [], typing())).done, false);
  assert.equal((await asked("moderate", ["--yes"])).done, true);
});

test("a moderate act that nobody can agree to is a usage error which names --yes", async () => {
  for (const [flags, options] of [
    [[], {}],
    [["--no-input"], typing("y\n")],
  ] as const) {
    const { done, code, err } = await asked("moderate", flags, options);
    assert.deepEqual([done, code], [false, 2]);
    assert.match(err, /--yes/);
  }
});

test("a severe act wants the name itself; a yes is not enough", async () => {
  assert.equal((await asked("severe", [], typing("yes\n"))).done, false);
  assert.equal((await asked("severe", [], typing("hive-1\n"))).done, true);
  assert.equal((await asked("severe", ["--yes"])).code, 2);
  assert.equal((await asked("severe", ["--confirm=other"], typing("hive-1\n"))).done, false);
  assert.equal((await asked("severe", ["--confirm=hive-1"])).done, true);
});
