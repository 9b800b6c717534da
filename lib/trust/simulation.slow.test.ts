import assert from "node:assert/strict";
import { test } from "node:test";
import {
  after,
  auditRate,
  count,
  detection,
  draw,
  type History,
  joins,
  keeps,
  newcomer,
  type Party,
  promise,
  tierOf,
} from "./mod.ts";

interface Machine {
  readonly name: string;
  readonly party: Party;
  readonly colludes: boolean;
  history: History;
}

const day = 86_400_000;
const salt = "5a".repeat(32);

/** Machines that have worked for eight days without a fault: tier 1. */
function machines(): Machine[] {
  return Array.from({ length: 8 }, (_, at) => {
    let history = newcomer(0);
    for (let times = 0; times < 12; times += 1)
      history = after(history, "valid", { class: "pure", job: "0", now: 0 });
    const party: Party = { owner: `owner-${at}`, class: "volunteer" };
    return { name: `m${at}`, party, colludes: at < 2, history };
  });
}

/** Three machines of different owners, the colluders among them: their commitments bind before anything is told. */
function votesOf(seats: readonly Machine[], job: string) {
  return seats.map(({ name, colludes }) => {
    const told = Buffer.alloc(32, colludes ? 0xbd : 0x90);
    const key = Buffer.from(name.padEnd(32)).toString("hex");
    const answer = { output: told, salt, worker: key, job, try: 1 };
    assert.equal(keeps(promise(answer), answer), true);
    return { seat: name, answer: told.toString("hex") };
  });
}

/** Jobs that two colluders win at R=3 until an audit by an owned machine finds them; undefined if none of `most` does. */
function jobsUntilCaught(seed: string, most: number): number | undefined {
  const all = machines();
  const [one, other] = all as [Machine, Machine];
  const now = 8 * day;
  for (let job = 1; job <= most; job += 1) {
    const third = all[2 + Math.floor(draw(seed, `seat ${job}`) * 6)] as Machine;
    const seats = [one, other, third];
    for (const [at, { party }] of seats.entries())
      assert.equal(
        joins(
          party,
          seats.slice(0, at).map((seat) => seat.party),
        ),
        true,
      );
    const { agreed, dissent } = count(votesOf(seats, String(job)), 2);
    assert.deepEqual([agreed, dissent], [["m0", "m1"], [third.name]]);
    // The honest machine was outvoted; what an audit finds out is set right below.
    const rate = Math.max(
      ...[one, other].map(({ party, history }) => auditRate(party.class, tierOf(history, now))),
    );
    if (draw(seed, `audit ${job}`) >= rate) continue;
    for (const liar of [one, other]) {
      liar.history = after(liar.history, "wrong-output", { class: "pure", job: String(job), now });
      assert.equal(liar.history.streak.pure, 0);
    }
    return job;
  }
  return undefined;
}

test("two colluders of different owners at R=3 are caught by audits at the rate that the formula predicts", () => {
  const runs = 2000;
  const rate = auditRate("volunteer", 1);
  const caught = Array.from({ length: runs }, (_, run) => jobsUntilCaught(`seed ${run}`, 200) ?? Infinity);
  for (const jobs of [25, 50, 100, 200]) {
    const seen = caught.filter((at) => at <= jobs).length / runs;
    const expected = detection(rate, jobs);
    const deviation = Math.sqrt((expected * (1 - expected)) / runs);
    assert.equal(
      Math.abs(seen - expected) < 4 * deviation + 0.001,
      true,
      `${jobs} jobs: ${seen.toFixed(4)} caught, ${expected.toFixed(4)} predicted`,
    );
  }
});

test("the same seed gives the same run", () => {
  const once = Array.from({ length: 50 }, (_, run) => jobsUntilCaught(`again ${run}`, 100));
  assert.deepEqual(
    once,
    Array.from({ length: 50 }, (_, run) => jobsUntilCaught(`again ${run}`, 100)),
  );
});
