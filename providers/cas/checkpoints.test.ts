import assert from "node:assert/strict";
import { test } from "node:test";
import { type EventMeta, State } from "@skep/kernel";
import { nextSweep, standardRetention, sweep } from "./src/retention.ts";
import { type Cas, events, initial } from "./src/state.ts";

const [first, second] = ["1".repeat(64), "2".repeat(64)];
const meta = (time: number): EventMeta => ({ seq: time, time, subject: "w" });
const fresh = (): Cas => initial(new State().scope("cas"));

/** A job keeps a blob that its worker has just stored. */
function keep(cas: Cas, digest: string, time: number, before?: string): void {
  events["stored@1"](cas, { digest, size: 10, subject: "w" }, meta(time));
  const data = { job: "7", worker: "w", digest, ...(before === undefined ? {} : { before }) };
  events["jobs:checkpointed@1"](cas, data, meta(time));
}

const dropped = (cas: Cas, now: number, live: readonly string[]): readonly string[] => {
  const views = { leases: { opens: () => false, named: () => new Set(live) } };
  const decision = sweep({ state: cas, views, now }, standardRetention);
  return (decision?.effects ?? []).map(({ args }) => (args as { digest: string }).digest);
};

test("what a job kept before goes a minute after the next, and what it keeps stays", () => {
  const cas = fresh();
  keep(cas, first, 1000);
  assert.equal(nextSweep(cas, standardRetention), undefined);
  keep(cas, second, 6000, first);
  assert.equal(nextSweep(cas, standardRetention), 66_000);
  assert.deepEqual(dropped(cas, 65_999, [second]), []);
  assert.deepEqual(dropped(cas, 66_000, [second]), [first]);
});

test("a worker that stored what a job keeps does not own it: only its lease opens it", () => {
  const cas = fresh();
  keep(cas, first, 1000);
  assert.deepEqual(cas.blobs.get(first)?.owners, []);
});

test("what somebody else stored too stays when a job keeps something newer", () => {
  const cas = fresh();
  events["stored@1"](cas, { digest: first, size: 10, subject: "ann" }, meta(500));
  keep(cas, first, 1000);
  keep(cas, second, 6000, first);
  assert.deepEqual(dropped(cas, 100_000, [second]), []);
  assert.deepEqual(cas.blobs.get(first)?.owners, ["ann"]);
});

test("what a job kept last is kept as its output is once it has ended", () => {
  const cas = fresh();
  keep(cas, first, 1000);
  events["jobs:canceled@1"](cas, { job: "7" }, meta(2000));
  assert.equal(cas.outputs.get(first), 2000);
  assert.deepEqual(dropped(cas, 2000 + standardRetention.outputsAge, []), [first]);
  assert.equal(cas.outputBytes.get(), 10);
});
