import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { simulatedClock } from "@skep/testing";
import type { Target } from "./target.ts";
import { Kept, live } from "./testing.ts";
import { type Pending, Tickets } from "./tickets.ts";

test("what a target tells at length is told as far as a hive takes it", async () => {
  const lines: Record<string, unknown>[] = [];
  let acts = 0;
  const target: Target = {
    settleMs: 0,
    evidence: async () => ({ acts, holder: `${"h".repeat(5000)}${acts}` }),
    act: async () => {
      acts += 1;
      return { output: "\u001b".repeat(100_000) };
    },
    done: (_act, before, now) => (before?.acts === now?.acts ? "no" : "yes"),
  };
  const ticket = { id: "t-1", n: 7, state: "queued", action: "k8s.drain", target: "a", params: {} } as const;
  await live({
    ...{
      steps: Number.POSITIVE_INFINITY,
      incarnation: "00000001",
      memory: new Kept(),
      clock: simulatedClock(),
    },
    say: async (line) => void lines.push({ ...line }),
    pending: async () => [{ ...ticket, before: null, since_ms: 0 }],
    target: () => target,
  });
  assert.deepEqual(
    lines.map(({ op }) => op),
    ["claim", "running", "report"],
  );
  for (const line of lines) assert.ok(JSON.stringify(line).length < 16_384, String(line.op));
  const [, running, report] = lines;
  assert.deepEqual(running?.before, { acts: 0, holder: "h".repeat(256) });
  assert.deepEqual([report?.state, report?.evidence], ["succeeded", { acts: 1, holder: "h".repeat(256) }]);
  assert.equal(String(report?.output).length, 1000);
});

/** An agent of one target that shows nothing of what is done to it; `act` does it. */
function agentOf(memory: Kept, pending: () => Promise<readonly Pending[]>, act: Target["act"]) {
  const lines: unknown[] = [];
  const target: Target = {
    settleMs: 0,
    evidence: async () => ({ run: 1 }),
    act,
    done: () => "no",
  };
  const tickets = new Tickets({
    ...{ pending, memory, target: () => target, check: () => undefined, clock: simulatedClock() },
    say: async (line) => void lines.push(Object.values(line).slice(0, 3)),
    log: () => undefined,
    signal: new AbortController().signal,
  });
  return { tickets, lines };
}

const waits: Pending = {
  ...{ id: "t-1", n: 7, state: "queued", action: "systemd.restart", target: "web.service", params: {} },
  ...{ before: null, since_ms: 0 },
};

test("what ended while the hive was asked what waits is not done again because the answer is older", async () => {
  let acts = 0;
  const [failing, older] = [Promise.withResolvers<never>(), Promise.withResolvers<readonly Pending[]>()];
  const answers: Promise<readonly Pending[]>[] = [Promise.resolve([waits]), older.promise];
  const { tickets, lines } = agentOf(
    new Kept(),
    () => answers.shift() ?? Promise.resolve([]),
    () => {
      acts += 1;
      return failing.promise;
    },
  );
  await tickets.drive(() => undefined);
  const asking = tickets.drive(() => undefined);
  const again = Promise.withResolvers<void>();
  void tickets.idle().then(again.resolve);
  failing.reject(new Fault("failed", "systemd.failed", "Cannot restart"));
  await again.promise;
  older.resolve([{ ...waits, state: "running", before: { run: 1 } }]);
  await asking;
  await tickets.idle();
  assert.deepEqual([acts, lines.map((line) => (line as string[])[0])], [1, ["claim", "running", "report"]]);
});

test("what was begun here and waits again, because the hive went back, is not begun again", async () => {
  const memory = new Kept();
  memory.put("t-1", { n: 7, begun: { before: { run: 1 }, at: 0 } });
  const { tickets, lines } = agentOf(
    memory,
    async () => [waits],
    () => assert.fail("it is done again"),
  );
  await tickets.drive(() => undefined);
  await tickets.idle();
  assert.deepEqual(lines, [
    ["claim", "t-1"],
    ["report", "t-1", "unknown"],
  ]);
  assert.equal(memory.get("t-1"), undefined);
});
