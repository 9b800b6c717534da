import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { endOf, Machine, until } from "../testing/machine.ts";
import { secretsBelow, strayed } from "../testing/secrets.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-volunteer-"));
const hive = new Machine(join(dir, "hive"));
const stranger = new Machine(join(dir, "stranger"));
after(async () => {
  await stranger[Symbol.asyncDispose]();
  await hive[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true, force: true });
});

interface Row {
  readonly volunteer: string;
  readonly memory_mb: number;
  readonly answer: string;
}
const listed = async () => JSON.parse(await hive.read("/net/volunteers.json")) as Row[];

test("a machine that knows no hive offers itself, is engaged, works, and keeps nothing", async () => {
  const up = await hive.up("--mesh", "127.0.0.1:0");
  const { mesh } = JSON.parse(up.out.split("\n", 1)[0] ?? "");
  const at = `/ip4/127.0.0.1/tcp/${mesh.port}/p2p/${mesh.peer}`;
  const lends = ["--bootstrap", at, "--memory", "96", "--worker-home", stranger.worker, "--isolation", "off"];
  const offering = stranger.start(["volunteer", ...lends]);
  const [row] = JSON.parse(await hive.ask("volunteers", "--json", "--wait", "60")) as Row[];
  assert.ok(row, `${offering.out}${offering.err}`);
  assert.deepEqual([row.memory_mb, row.answer], [96, ""]);

  const engage = (...more: string[]) =>
    hive.run(["--home", hive.home, "engage", "--json", row.volunteer, ...more]);
  const much = await engage("--memory", "97");
  assert.equal(much.code, 8, much.out + much.err);
  assert.match(much.out, /InsufficientResources.*memory_mb: 97 wanted, 96 offered/);
  const other = await engage("--arch", "riscv64");
  assert.match(other.out, /ArchMismatch/);

  const taken = await engage();
  assert.deepEqual([taken.code, JSON.parse(taken.out).answer], [0, "Accepted"], taken.err);
  const node = await until(
    async () => (await hive.nodes()).find(({ state }) => state === "present"),
    () => `it never came: ${offering.err}`,
  );
  const { class: of, owner } = node as unknown as { class: string; owner: string };
  assert.deepEqual([of, owner], ["volunteer", `volunteer:${row.volunteer}`]);
  assert.match((await engage()).out, /QueueFull/);
  assert.match((await listed())[0]?.answer ?? "", /QueueFull/);

  // What is not public never goes there; what is public does, each time in a process of its own.
  const module = new URL("../../../../examples/modules/reverse.wasm", import.meta.url).pathname;
  const run = ["--home", hive.home, "run", "--json", "--replicas", "1", "--quorum", "1"];
  const kept = hive.start([...run, module], "secret");
  const open = await endOf(hive.start([...run, "--data", "public", module], "Hello"));
  assert.deepEqual([open.exit, open.verified], [0, true], JSON.stringify(open));
  const waits = (await hive.jobs()).find(({ state }) => state === "queued");
  assert.ok(waits, "what is not public waits");
  await hive.ask("cancel", waits.job);
  await kept.ended;

  const secrets = secretsBelow(dir);
  const { places, stray } = strayed(dir, [...hive.said, ...stranger.said], secrets);
  assert.ok(secrets.size >= 5 && places > 20, `${secrets.size} secrets, ${places} places`);
  assert.deepEqual(stray, []);

  assert.equal(await offering.end("SIGINT"), 0, offering.err);
  const left = readdirSync(stranger.worker).filter((name) => !["lock", "owner.book.json"].includes(name));
  assert.deepEqual(left, ["identity"]);
});
