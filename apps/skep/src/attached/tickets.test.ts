import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import type { Target } from "./target.ts";
import { Kept, live } from "./testing.ts";

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
