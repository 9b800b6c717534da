import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { type TestContext, test } from "node:test";
import { defineProvider } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { gpuProvider } from "./mod.ts";

async function rig(t: TestContext) {
  const leases = new Set<string>();
  const queen = defineProvider<null>({
    name: "queen",
    doc: "Stands for the queen and for leases",
    initial: () => null,
    events: { "spawned@1": () => undefined },
    offers: {
      leased: () => ({ has: (resource: string, holder: string) => leases.has(`${resource} ${holder}`) }),
      manifest: () => ({ hash: () => "m1" }),
    },
    mounts: () => ({}),
  });
  const clock = simulatedClock();
  const kernel = await toyHive({
    files: recordingFiles(),
    clock,
    providers: [gpuProvider(), queen],
  });
  t.after(() => kernel.close());
  const session = kernel.attach(toyAuthority("ann", { "/gpu": ["read", "write"] }), "test");
  return {
    leases,
    pass: async (ms: number) => {
      clock.advance(ms);
      await kernel.settled();
    },
    list: async () =>
      (await session.list(await session.find("/gpu")))
        .map(({ name }) => name)
        .filter((name) => /^GPU-/.test(name)),
    say: async (path: string, line: string) => session.append(`/gpu/${path}`, line),
    bridged: async (id: string) =>
      kernel.slices.view<{ manifest(id: string): string | undefined }>("bridged").manifest(id),
    read: async (path: string) => Buffer.from(await session.read(`/gpu/${path}`)).toString(),
  };
}

type Rig = Awaited<ReturnType<typeof rig>>;

const b64 = (text: string): string => Buffer.from(text).toString("base64");
const snapshot = [
  "schema gpu-bridge-snapshot/v1",
  `node id=GPU-0 info=${b64("name=Fake memory_mb=24576\n")} ctl= lease= status=${b64('{"ok":true}\n')}`,
  `model id=vision-base-v1 manifest=${b64('id = "vision-base-v1"\n')}`,
  "active id=vision-base-v1",
  `telemetry schema=${b64("{}")}`,
  "end",
  "",
].join("\n");

async function publish({ say }: Rig, text: string, digest = createHash("sha256").update(text).digest("hex")) {
  await say("bridge/ctl", `begin bytes=${Buffer.byteLength(text)} sha256=${digest}`);
  const all = b64(text);
  for (let at = 0; at < all.length; at += 90) await say("bridge/ctl", `b64:${all.slice(at, at + 90)}`);
  return say("bridge/ctl", "end");
}

test("an inventory in the original's lines counts as a whole at its end", async (t) => {
  const hive = await rig(t);
  assert.equal(await hive.read("bridge/status"), "state=idle\n");
  const { verdict } = await publish(hive, snapshot);
  assert.equal(verdict, "ok");
  const digest = createHash("sha256").update(snapshot).digest("hex");
  assert.equal(await hive.read("bridge/status"), `state=ok bytes=${snapshot.length} sha256=${digest}\n`);
  assert.equal(await hive.read("GPU-0/info"), "name=Fake memory_mb=24576\n");
  assert.equal(await hive.read("GPU-0/status"), '{"ok":true}\n');
  assert.equal(await hive.bridged("vision-base-v1"), 'id = "vision-base-v1"\n');
  assert.equal(await hive.read("telemetry/schema.json"), "{}\n");
});

test("an inventory with another digest changes nothing", async (t) => {
  const hive = await rig(t);
  await publish(hive, snapshot);
  const other = snapshot.replace("GPU-0", "GPU-9");
  assert.equal((await publish(hive, other, "0".repeat(64))).code, "gpu.digest");
  await assert.rejects(hive.read("GPU-9/info"), { kind: "absent" });
});

test("lines that are encoded each by itself make the same inventory", async (t) => {
  const hive = await rig(t);
  const digest = createHash("sha256").update(snapshot).digest("hex");
  await hive.say("bridge/ctl", `begin bytes=${snapshot.length} sha256=${digest}`);
  for (let at = 0; at < snapshot.length; at += 40)
    assert.equal((await hive.say("bridge/ctl", `b64:${b64(snapshot.slice(at, at + 40))}`)).verdict, "ok");
  assert.equal((await hive.say("bridge/ctl", "end")).verdict, "ok");
  assert.equal(await hive.read("GPU-0/info"), "name=Fake memory_mb=24576\n");
});

test("a publication has so many lines and no more, however little they bring", async (t) => {
  const hive = await rig(t);
  await hive.say("bridge/ctl", `begin bytes=30000 sha256=${"0".repeat(64)}`);
  const answers: unknown[] = [];
  for (let line = 0; line < 1025; line += 1) answers.push((await hive.say("bridge/ctl", "b64:A")).code);
  assert.deepEqual(answers.slice(1023), [undefined, "gpu.parts"]);
  assert.equal((await publish(hive, snapshot)).verdict, "ok");
});

test("no GPU has the name of a file that stands beside the GPUs", async (t) => {
  const hive = await rig(t);
  for (const id of ["bridge", "models", "telemetry"]) {
    const nodes = [{ id, info: "name=Fake" }];
    const { verdict } = await hive.say("bridge/ctl", JSON.stringify({ op: "publish", nodes }));
    assert.equal(verdict, "refused", id);
    assert.equal((await publish(hive, snapshot.replace("id=GPU-0", `id=${id}`))).code, "gpu.line");
  }
});

test("nothing runs without a lease, and a run whose lease is over leaves no more breadcrumbs", async (t) => {
  const hive = await rig(t);
  await hive.say("bridge/ctl", '{"op":"publish","nodes":[{"id":"GPU-0","info":"name=Fake"}]}');
  const begin = JSON.stringify({ op: "begin", command: "ab".repeat(32) });
  assert.equal((await hive.say("GPU-0/ctl", begin)).code, "gpu.unleased");
  hive.leases.add("gpu/GPU-0 ann");
  const { result } = await hive.say("GPU-0/ctl", begin);
  const { run } = result as { run: string };
  const again = await hive.say("GPU-0/ctl", begin);
  assert.equal(again.code, "gpu.running");
  assert.match(again.next ?? "", new RegExp(`"op":"end","run":"${run}","exit":null.* to /gpu/GPU-0/ctl`));
  const note = JSON.stringify({ op: "note", run, text: "epoch 1" });
  assert.equal((await hive.say("GPU-0/ctl", note)).verdict, "ok");
  assert.match(await hive.read("GPU-0/status"), /"schema":"gpu-breadcrumb\/v1".*"text":"epoch 1"/);
  hive.leases.clear();
  assert.equal((await hive.say("GPU-0/ctl", note)).code, "gpu.unleased");
  const ended = await hive.say("GPU-0/ctl", JSON.stringify({ op: "end", run, exit: 3 }));
  const receipt = ended.result as { [name: string]: unknown };
  assert.deepEqual([receipt.holder, receipt.exit, receipt.crumbs], ["ann", 3, 1]);
  assert.match(await hive.read("GPU-0/job"), /^state=ended run=\d+ holder=ann .*exit=3 manifest=m1\n$/);
  assert.equal((await hive.say("GPU-0/ctl", JSON.stringify({ op: "end", run, exit: 3 }))).code, "gpu.run");
});

test("lease and status take JSON objects longer than a console line was, and nothing else", async (t) => {
  const hive = await rig(t);
  await hive.say("bridge/ctl", '{"op":"publish","nodes":[{"id":"GPU-0","info":"name=Fake"}]}');
  const line = JSON.stringify({ schema: "gpu-lease/v1", state: "ACTIVE", why: "x".repeat(300) });
  assert.equal((await hive.say("GPU-0/lease", line)).verdict, "ok");
  assert.equal(await hive.read("GPU-0/lease"), `${line}\n`);
  assert.equal((await hive.say("GPU-0/lease", "plain")).code, "gpu.object");
});

const timed = (lasts?: number) =>
  JSON.stringify({ op: "publish", nodes: [{ id: "GPU-0", info: "name=Fake" }], for_s: lasts });

test("a GPU whose publisher is silent for longer than it said goes, and not while something runs on it", async (t) => {
  const hive = await rig(t);
  await hive.say("bridge/ctl", timed(60));
  await publish(hive, snapshot.replace("GPU-0", "GPU-7"));
  await hive.pass(50_000);
  await hive.say("bridge/ctl", timed(60));
  await hive.pass(50_000);
  assert.deepEqual(await hive.list(), ["GPU-0", "GPU-7"]);
  hive.leases.add("gpu/GPU-0 ann");
  const { result } = await hive.say("GPU-0/ctl", JSON.stringify({ op: "begin", command: "ab".repeat(32) }));
  await hive.pass(50_000);
  assert.deepEqual(await hive.list(), ["GPU-0", "GPU-7"]);
  const { run } = result as { run: string };
  await hive.say("GPU-0/ctl", JSON.stringify({ op: "end", run, exit: 0 }));
  await hive.pass(2000);
  assert.deepEqual(await hive.list(), ["GPU-7"]);
  await assert.rejects(hive.read("GPU-0/info"), { kind: "absent" });
  await hive.say("bridge/ctl", timed(60));
  await hive.say("bridge/ctl", timed());
  await hive.pass(100_000);
  assert.deepEqual(await hive.list(), ["GPU-7", "GPU-0"]);
});

test("a GPU is withdrawn, but not under a run that has its lease; one whose lease is over ends with it", async (t) => {
  const hive = await rig(t);
  const withdraw = (...gpus: string[]) => hive.say("bridge/ctl", JSON.stringify({ op: "withdraw", gpus }));
  await hive.say("bridge/ctl", timed());
  hive.leases.add("gpu/GPU-0 ann");
  await hive.say("GPU-0/ctl", JSON.stringify({ op: "begin", command: "ab".repeat(32) }));
  assert.equal((await withdraw("GPU-1")).code, "gpu.absent");
  assert.equal((await withdraw("GPU-0")).code, "gpu.used");
  hive.leases.clear();
  assert.equal((await withdraw("GPU-0", "GPU-0")).verdict, "ok");
  assert.deepEqual(await hive.list(), []);
  await hive.say("bridge/ctl", timed());
  assert.equal(await hive.read("GPU-0/job"), "");
});
