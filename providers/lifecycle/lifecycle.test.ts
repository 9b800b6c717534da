import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProvider, fullAuthority, type Kernel } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { lifecycleProvider } from "./mod.ts";

async function rig() {
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
  kernel = await toyHive({ files: recordingFiles(), clock, providers: [standIn, lifecycle] });
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
  return { kernel: opened, clock, queen, read, say, left, beat };
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
