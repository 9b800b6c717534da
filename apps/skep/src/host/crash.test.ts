import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { hostProvider } from "@skep/provider-host";
import { FakeTarget, recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import type { Target } from "../attached/target.ts";
import { Kept, live, type Power } from "../attached/testing.ts";
import type { Pending } from "../attached/tickets.ts";
import { faultOf } from "../client/control.ts";

function restarts(target: FakeTarget, power: Power): Target {
  return {
    settleMs: 0,
    evidence: () => power.around(() => target.evidence()),
    act: () =>
      power.around(() => {
        target.acts += 1;
        return {};
      }),
    done: (_act, before, now) => {
      if (!before || !now) return "unknown";
      return before.run === now.run ? "no" : "yes";
    },
  };
}

/** One ticket, with the power off after `cut` steps of the first agent; gives its end and how often it was done. */
async function play(context: TestContext, cut: number, tells: boolean, forgets = false) {
  const kernel = await toyHive({
    files: recordingFiles(),
    clock: simulatedClock(),
    providers: [hostProvider()],
  });
  context.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const say = async (line: object) => {
    const refused = faultOf(await owner.append("/host/alpha/ctl", JSON.stringify(line)));
    if (refused) throw refused;
  };
  const read = async (path: string) => JSON.parse(Buffer.from(await owner.read(path)).toString());
  const target = new FakeTarget(tells);
  const life = async (incarnation: string, memory: Kept, steps = Number.POSITIVE_INFINITY) => {
    await say({ op: "hello", incarnation, version: "1", allows: [] });
    return live({
      ...{ steps, incarnation, memory, say, clock: simulatedClock() },
      pending: async () => (await read("/host/alpha/pending.json")) as Pending[],
      target: (power) => restarts(target, power),
    });
  };
  await say({ op: "hello", incarnation: "00000000", version: "1", allows: [] });
  const ask = { id: "t-1", action: "systemd.restart", host: "alpha", target: "web.service" };
  await owner.append("/host/tickets/spec", JSON.stringify(ask));
  const memory = new Kept();
  const wasCut = await life("11111111", memory, cut);
  await life("22222222", forgets ? new Kept() : memory);
  await life("33333333", forgets ? new Kept() : memory);
  const [ticket] = (await read("/host/tickets/status.json")) as { state: string; evidence: unknown }[];
  return { ...ticket, acts: target.acts, cut: wasCut };
}

test("wherever the power is cut, an act is done exactly once where the target tells of it", async (context) => {
  let cuts = 0;
  for (let cut = 0; cut < 40; cut += 1) {
    const { state, acts, evidence, cut: was } = await play(context, cut, true);
    assert.deepEqual([cut, state, acts, evidence], [cut, "succeeded", 1, { run: 1 }]);
    if (was) cuts += 1;
  }
  assert.ok(cuts > 12, `${cuts} cuts`);
});

test("the same holds for an agent whose memory is lost with it", async (context) => {
  for (let cut = 0; cut < 24; cut += 1) {
    const { state, acts } = await play(context, cut, true, true);
    assert.deepEqual([cut, state, acts], [cut, "succeeded", 1]);
  }
});

test("where the target tells nothing, an act that may have been done ends as unknown and is not repeated", async (context) => {
  const states = new Map<string, number[]>();
  for (let cut = 0; cut < 24; cut += 1) {
    const { state = "", acts } = await play(context, cut, false);
    assert.ok(acts <= 1, `cut ${cut}: done ${acts} times`);
    assert.equal(state === "succeeded" ? acts : 1, 1, `cut ${cut}`);
    states.set(state, [...(states.get(state) ?? []), cut]);
  }
  assert.deepEqual([...states.keys()].sort(), ["succeeded", "unknown"]);
});
