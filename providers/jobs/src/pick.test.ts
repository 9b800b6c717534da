import assert from "node:assert/strict";
import { test } from "node:test";
import { State } from "@skep/kernel";
import fc from "fast-check";
import { events } from "./events.ts";
import { type Jobs, noOutput, turnsOfAge } from "./model.ts";
import { Picker } from "./pick.ts";
import type { Machines } from "./place.ts";
import { initial } from "./views.ts";

const nobody: Machines = { workers: { get: () => undefined }, members: { get: () => undefined } };
const limits = { wallMs: 1000, memoryBytes: 65_536, fuel: "1", stdoutBytes: 1, stderrBytes: 1 };
const run = { kind: "wasm", what: "ab", args: [], env: {}, limits, grade: "shared" } as const;

interface Asked {
  readonly owner: string;
  readonly priority: number;
  readonly wallMs: number;
}

/** The fold alone, with a clock that a test sets. */
class Fold {
  readonly jobs: Jobs = initial(new State().scope("jobs"));
  seq = 0;
  time = 1_000_000;

  join(worker: string, slots: number): void {
    const data = { worker, slots, kinds: ["wasm"], incarnation: worker };
    events["workers:joined@1"](this.jobs, data, { seq: this.#next(), time: this.time, subject: worker });
  }

  submit({ owner, priority, wallMs }: Asked): string {
    const seq = this.#next();
    const job = String(seq);
    const wanted = { ...run, limits: { ...limits, wallMs } };
    const data = { job, jobId: job, signer: "", run: wanted, stdin: noOutput, expires: 0, priority };
    events["submitted@1"](this.jobs, data, { seq, time: this.time, subject: owner });
    return job;
  }

  lease(worker: string): string | undefined {
    const job = new Picker(this.jobs, nobody, this.time).take(worker)?.id;
    if (job !== undefined)
      events["leased@1"](
        this.jobs,
        { job, worker, until: this.time + 1 },
        { seq: this.#next(), time: this.time, subject: "" },
      );
    return job;
  }

  end(job: string, worker: string): void {
    const end = { reason: "exit", exit: 0, message: "", stdout: noOutput, stderr: noOutput };
    const told = { ...end, receipt: null, verified: false, peakBytes: 0 };
    const data = { job, worker, state: "done" as const, end: told };
    events["ended@1"](this.jobs, data, { seq: this.#next(), time: this.time, subject: worker });
  }

  #next(): number {
    this.seq += 1;
    return this.seq;
  }
}

const asked: fc.Arbitrary<Asked> = fc.record({
  owner: fc.constantFrom("ann", "bob", "cy", "dee"),
  priority: fc.integer({ min: -100, max: 100 }),
  wallMs: fc.constantFrom(1000, 60_000, 3_600_000),
});

test("whoever comes meanwhile, a job has begun after at most eight leases for each one that waited longer", () => {
  fc.assert(
    fc.property(
      fc.array(asked, { maxLength: 12 }),
      asked,
      fc.array(fc.array(asked, { minLength: 1, maxLength: 3 }), { minLength: 8 * 14, maxLength: 8 * 14 }),
      (before, own, after) => {
        const fold = new Fold();
        fold.join("w", 1);
        for (const one of before) fold.submit(one);
        const victim = fold.submit(own);
        const bound = turnsOfAge * (before.length + 1);
        for (let lease = 0; lease < bound; lease += 1) {
          fold.time += 50;
          for (const one of after[lease] ?? []) fold.submit(one);
          const job = fold.lease("w");
          assert.notEqual(job, undefined);
          if (job === victim) return;
          fold.end(job ?? "", "w");
        }
        assert.fail(`it still waits after ${bound} leases`);
      },
    ),
    { numRuns: 60 },
  );
});

test("of two owners who both have much to do each has half of the slots, whoever came first", () => {
  const fold = new Fold();
  fold.join("w", 4);
  for (let at = 0; at < 40; at += 1) fold.submit({ owner: "ann", priority: 100, wallMs: 1000 });
  const first = Array.from({ length: 4 }, () => fold.lease("w"));
  for (let at = 0; at < 40; at += 1) fold.submit({ owner: "bob", priority: -100, wallMs: 1000 });
  const running = first.map((job) => job ?? "");
  for (let turn = 0; turn < 12; turn += 1) {
    fold.time += 100;
    fold.end(running.shift() ?? "", "w");
    running.push(fold.lease("w") ?? "");
    const bobs = running.filter((job) => fold.jobs.jobs.get(job)?.owner === "bob").length;
    if (turn >= 3) assert.ok(bobs >= 1 && bobs <= 3, `${bobs} of 4 in turn ${turn}`);
  }
});

test("explicit priority orders the jobs of one owner, and takes nothing from others", () => {
  const fold = new Fold();
  fold.join("w", 8);
  const [low, high] = [-1, 1].map((priority) => fold.submit({ owner: "ann", priority, wallMs: 1000 }));
  assert.deepEqual([fold.lease("w"), fold.lease("w")], [high, low]);
  fold.time += 1;
  const early = fold.submit({ owner: "bob", priority: -100, wallMs: 1000 });
  fold.time += 3_600_000;
  fold.submit({ owner: "cy", priority: 100, wallMs: 1000 });
  assert.equal(fold.lease("w"), early);
});

test("a queue from which jobs are taken anywhere stays in order", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (drawn) => {
      const fold = new Fold();
      const waiting: string[] = [];
      for (const one of drawn)
        if (one < 5 || waiting.length === 0)
          waiting.push(fold.submit({ owner: "ann", priority: 0, wallMs: 1000 }));
        else {
          const [job = ""] = waiting.splice(one % waiting.length, 1);
          events["canceled@1"](fold.jobs, { job, by: "ann" }, { seq: 0, time: 1, subject: "ann" });
        }
      fold.join("w", 100);
      assert.equal(fold.jobs.queue.size, waiting.length);
      const taken = waiting.map(() => fold.lease("w"));
      assert.deepEqual(taken, waiting);
      assert.deepEqual([fold.jobs.queue.size, fold.jobs.lanes.size], [0, 0]);
    }),
  );
});
