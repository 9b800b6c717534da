import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProvider, fullAuthority, type Kernel } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { lifecycleProvider } from "./mod.ts";

async function rig(files = recordingFiles()) {
  const left = { workers: [] as string[], jobs: 0 };
  const standIn = defineProvider<null>({
    name: "queen",
    doc: "Stand-in for what can be outstanding",
    initial: () => null,
    events: {},
    offers: {
      spawned: () => ({ ids: () => left.workers }),
      "outstanding-jobs": () => ({ counts: () => ({ jobs: left.jobs }) }),
    },
    mounts: () => ({}),
  });
  const clock = simulatedClock();
  let kernel: Kernel | undefined;
  const lifecycle = lifecycleProvider({
    role: (session) => kernel?.sessions.get(session)?.caller.role,
    outstanding: ["outstanding-jobs"],
  });
  kernel = await toyHive({ files, clock, providers: [standIn, lifecycle] });
  const opened = kernel;
  const queen = kernel.attach(fullAuthority("owner"), "test");
  const read = async (path: string) => Buffer.from(await queen.read(path)).toString();
  const state = () => opened.slices.kernel.lifecycle.get().state;
  const say = async (line: string) => {
    const answer = await queen.append("/queen/lifecycle/ctl", line);
    return answer.verdict === "ok" ? state() : answer.code;
  };
  const beat = async () => {
    clock.advance(1000);
    await kernel?.settled();
  };
  return { files, kernel: opened, clock, queen, read, say, left, beat };
}

const moves = ["cordon", "drain", "resume", "quiesce", "reset"] as const;
const no = "lifecycle.transition";

test("every move from every state leads where the original's table says, or is refused", async () => {
  const rows = {
    ONLINE: { by: [], to: ["DRAINING", no, no, "QUIESCED", "BOOTING"] },
    DRAINING: { by: ["cordon"], to: [no, "QUIESCED", "ONLINE", "QUIESCED", "BOOTING"] },
    QUIESCED: { by: ["quiesce"], to: [no, no, "ONLINE", no, "BOOTING"] },
    BOOTING: { by: ["reset"], to: [no, no, "ONLINE", no, no] },
  };
  for (const [from, { by, to }] of Object.entries(rows))
    for (const [at, move] of moves.entries()) {
      const { kernel, say } = await rig();
      for (const before of by) await say(before);
      assert.equal(await say(move), to[at], `${move} in ${from}`);
      await kernel.close();
    }
});

test("nothing stands still while a worker or a job is out, and the log tells each move and each denial", async (context) => {
  const { kernel, say, read, left, beat } = await rig();
  context.after(() => kernel.close());
  left.workers = ["worker-1"];
  assert.equal(await say("quiesce"), "lifecycle.outstanding");
  left.workers = [];
  left.jobs = 2;
  assert.equal(await say("cordon for a new disk"), "DRAINING");
  assert.equal(await read("/proc/root/reachable"), "reachable=yes\n");
  assert.equal(await say("drain"), "lifecycle.outstanding");
  await beat();
  left.jobs = 0;
  assert.equal(await say("drain"), "QUIESCED");
  assert.equal(await say("dance"), "gate.schema");
  assert.equal(await say("cordon"), "lifecycle.transition");
  await beat();
  const log = Buffer.from(kernel.rings.ring("/log/queen.log").read(0, 4096)).toString();
  assert.deepEqual(log.trimEnd().split("\n"), [
    "[hive] lifecycle transition old=ONLINE new=DRAINING reason=for a new disk",
    "[hive] lifecycle denied action=quiesce state=DRAINING reason=outstanding-leases",
    "[hive] root cut reason=lifecycle_offline sessions=0",
    "[hive] lifecycle transition old=DRAINING new=QUIESCED reason=drain",
    "[hive] lifecycle denied action=none state=QUIESCED reason=invalid-command",
    "[hive] lifecycle denied action=cordon state=QUIESCED reason=invalid-transition",
  ]);
});

test("a cut ends the sessions of workers alone, the strongest cause is told, and only restore ends it", async (context) => {
  const { kernel, clock, say, read } = await rig();
  context.after(() => kernel.close());
  const attach = (role: string) => kernel.attach({ ...fullAuthority(role), role }, "test");
  const [worker, gpu, observer] = [attach("worker"), attach("worker-gpu"), attach("observer")];
  await say("cut network_unreachable");
  clock.advance(500);
  await say("cut policy_denied");
  assert.deepEqual([worker.state, gpu.state, observer.state], ["CLOSED", "CLOSED", "ACTIVE"]);
  assert.equal(await read("/proc/root/cut_reason"), "cut_reason=policy_denied\n");
  assert.equal(await read("/proc/root/last_seen_ms"), `last_seen_ms=${kernel.time.now() - 500}\n`);
  await say("quiesce");
  assert.equal(await read("/proc/root/cut_reason"), "cut_reason=lifecycle_offline\n");
  await say("resume");
  assert.equal(await read("/proc/root/cut_reason"), "cut_reason=policy_denied\n");
  await say("restore policy_denied");
  assert.equal(await read("/proc/root/cut_reason"), "cut_reason=network_unreachable\n");
  await say("restore");
  assert.equal(await read("/proc/root/reachable"), "reachable=yes\n");
  assert.equal(await say("restore"), "lifecycle.notCut");
});

test("a hive that stands still does so after a restart, and every other goes ONLINE by itself", async (context) => {
  const { kernel, say, files } = await rig();
  await say("quiesce for the night");
  kernel.drain("stopped by its operator");
  await kernel.close();
  const next = await rig(recordingFiles(files.image()));
  assert.equal(next.kernel.slices.kernel.lifecycle.get().reason, "for the night");
  assert.equal(await next.read("/proc/root/cut_reason"), "cut_reason=lifecycle_offline\n");
  assert.equal(await next.say("resume"), "ONLINE");
  await next.say("cordon");
  await next.kernel.close();
  const last = await rig(recordingFiles(next.files.image()));
  context.after(() => last.kernel.close());
  assert.equal(last.kernel.slices.kernel.lifecycle.get().state, "ONLINE");
});

test("while the hive drains, the sessions of workers do, and no operator's", async (context) => {
  const { kernel, say, queen } = await rig();
  context.after(() => kernel.close());
  const worker = kernel.attach({ ...fullAuthority("w"), role: "worker-heartbeat" }, "test");
  await say("cordon");
  assert.deepEqual([worker.state, queen.state], ["DRAINING", "ACTIVE"]);
  await say("resume");
  assert.equal(worker.state, "ACTIVE");
});
