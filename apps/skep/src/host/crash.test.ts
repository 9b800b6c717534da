import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { Facet } from "@skep/provider-host";
import { fullAuthority } from "@skep/kernel";
import { hostProvider } from "@skep/provider-host";
import { FakeTarget, recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { faultOf } from "../client/control.ts";
import type { Entry, Memory } from "./memory.ts";
import type { HostProvider } from "./provider.ts";
import { type Pending, Tickets } from "./tickets.ts";

/** Counts steps, and after so many of them nothing of this process happens any more. */
class Power {
  left: number;
  readonly off = new AbortController();
  constructor(left: number) {
    this.left = left;
  }
  step(): void {
    if (this.left <= 0) {
      this.off.abort(new Error("the power is off"));
      throw this.off.signal.reason;
    }
    this.left -= 1;
  }
  around<T>(act: () => T): T {
    this.step();
    const result = act();
    this.step();
    return result;
  }
}

class Kept implements Memory {
  cursor = -1;
  readonly entries = new Map<string, Entry>();
  get(id: string): Entry | undefined {
    return this.entries.get(id);
  }
  put(id: string, entry: Entry): void {
    this.cursor = Math.max(this.cursor, entry.n);
    this.entries.set(id, entry);
  }
  forget(id: string): void {
    this.entries.delete(id);
  }
}

const powered = (memory: Memory, power: Power): Memory => ({
  get cursor() {
    return memory.cursor;
  },
  get: (id) => memory.get(id),
  put: (id, entry) => power.around(() => memory.put(id, entry)),
  forget: (id) => power.around(() => memory.forget(id)),
});

function providerOf(target: FakeTarget, power: Power): HostProvider {
  return {
    facet: "systemd" as Facet,
    everyMs: 1000,
    settleMs: 0,
    look: async () => [],
    evidence: async () => power.around(() => target.evidence()),
    act: async () =>
      power.around(() => {
        target.acts += 1;
        return {};
      }),
    done: (_act, before, now) => {
      if (!before || !now) return "unknown";
      return before.run === now.run ? "no" : "yes";
    },
    [Symbol.dispose]: () => undefined,
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
  const lost = { steps: cut };
  const life = async (incarnation: string, memory: Memory) => {
    const power = new Power(lost.steps);
    await say({ op: "hello", incarnation, version: "1", allows: [] });
    const tickets = new Tickets({
      pending: async () => (await read("/host/alpha/pending.json")) as Pending[],
      say: (line) => {
        power.step();
        return say({ incarnation, ...line }).then(() => power.step());
      },
      provider: () => providerOf(target, power),
      allows: () => true,
      memory: powered(memory, power),
      clock: simulatedClock(),
      log: () => undefined,
      signal: power.off.signal,
    });
    await tickets.drive(() => undefined);
    await tickets.idle();
    return power.left;
  };
  await say({ op: "hello", incarnation: "00000000", version: "1", allows: [] });
  const ask = { id: "t-1", action: "systemd.restart", host: "alpha", target: "web.service" };
  await owner.append("/host/tickets/spec", JSON.stringify(ask));
  const memory = new Kept();
  const left = await life("11111111", memory);
  lost.steps = Number.POSITIVE_INFINITY;
  await life("22222222", forgets ? new Kept() : memory);
  await life("33333333", forgets ? new Kept() : memory);
  const [ticket] = (await read("/host/tickets/status.json")) as { state: string; evidence: unknown }[];
  return { ...ticket, acts: target.acts, cut: left === 0 };
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
