import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { endOf, Machine, until } from "../testing/machine.ts";
import { nodePlaces } from "./folder.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-renewal-"));
const hive = new Machine(join(dir, "hive"));
const lent = new Machine(join(dir, "lent"));
after(async () => {
  await lent[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

const ticket = () => readFileSync(nodePlaces.ticket(lent.worker), "utf8");

test("a ticket that ends is renewed while its machine is attached, and work goes on; one that ran out says so and a new invitation is enough", async () => {
  await hive.up("--mesh", "127.0.0.1:0");
  const invited = async () => {
    const said = await hive.ask("invite", "--json", "--class", "volunteer", "--term", "10s");
    return (JSON.parse(said) as { invitation: string }).invitation;
  };
  const joins = ["join", "--worker-home", lent.worker, "--isolation", "off"];
  const working = lent.start(joins, await invited());
  await until(
    async () => (await hive.nodes()).find(({ state }) => state === "present"),
    () => `it never came: ${working.err}`,
  );
  const module = new URL("../../../../examples/modules/reverse.wasm", import.meta.url).pathname;
  const run = ["--home", hive.home, "run", "--json", "--data", "public", "--replicas", "1", "--quorum", "1"];
  const works = async (text: string) => {
    const ended = await endOf(hive.start([...run, "--fresh", module], text));
    assert.deepEqual([ended.exit, ended.verified], [0, true], JSON.stringify(ended));
  };
  await works("before");
  const tickets = new Set([ticket()]);
  await until(
    async () => tickets.add(ticket()).size === 2 || undefined,
    () => `it was not renewed: ${working.err}`,
  );
  await works("after");
  assert.doesNotMatch(working.err, /not renewed/);

  working.child.kill("SIGSTOP");
  const { expires = 0 } = JSON.parse(readFileSync(nodePlaces.hive(lent.worker), "utf8")) as {
    expires?: number;
  };
  await until(
    async () => Date.now() > expires || undefined,
    () => "time stands still",
  );
  working.child.kill("SIGCONT");
  assert.equal(await working.ended, 0, working.err);
  assert.match(working.err, /ticket of this machine ran out while it was away/);
  assert.deepEqual(
    [existsSync(nodePlaces.ticket(lent.worker)), existsSync(nodePlaces.hive(lent.worker))],
    [false, false],
  );

  const again = lent.start(joins, await invited());
  await until(
    async () => (await hive.nodes()).find(({ state }) => state === "present"),
    () => `it never came back: ${again.err}`,
  );
  await works("again");
  assert.equal(await again.end("SIGINT"), 0, again.err);
});
