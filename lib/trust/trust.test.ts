import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  after,
  answerKey,
  askedRule,
  auditRate,
  collusion,
  count,
  detection,
  draw,
  type Fate,
  independent,
  isAnswer,
  joins,
  keeps,
  type MachineClass,
  majority,
  newcomer,
  type Party,
  promise,
  reachable,
  recentFailures,
  release,
  replicationRate,
  ruleFor,
  score,
  tierOf,
} from "./mod.ts";

const day = 86_400_000;
const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map((all) => Buffer.from(all).toString("hex"));
const promised = fc.record({
  output: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  salt: hex(32),
  worker: hex(32),
  job: fc.string({ minLength: 1, maxLength: 12 }),
  try: fc.integer({ min: 1, max: 99 }),
});
const owner = fc.constantFrom("ann", "ben", "cat", "dan");
const place = fc.record(
  {
    ip4: fc.constantFrom("198.51.100.1", "198.51.100.9", "203.0.113.4"),
    ip6: fc.constantFrom("2001:db8::1", "2001:0db8:0:7::2", "2001:db8:1::1"),
    relay: fc.constantFrom("r1", "r2"),
  },
  { requiredKeys: [] },
);
const party: fc.Arbitrary<Party> = fc.record({
  owner,
  class: fc.constantFrom<MachineClass>("owned", "borrowed", "rented", "volunteer"),
  place,
});
const fates: readonly Fate[] = ["valid", "wrong-output", "late-reveal", "copied-output", "forged-receipt"];

test("a promise is kept by what was promised and by nothing that differs in one part", () =>
  fc.assert(
    fc.property(promised, promised, (one, other) => {
      assert.equal(keeps(promise(one), one), true);
      const parts = (told: typeof one) =>
        JSON.stringify([
          Buffer.from(told.output).toString("hex"),
          told.salt,
          told.worker,
          told.job,
          told.try,
        ]);
      assert.equal(keeps(promise(one), other), parts(one) === parts(other));
      assert.equal(keeps(promise(one), { ...one, try: one.try + 1 }), false);
      assert.equal(keeps(promise(one), { ...one, worker: other.worker }), one.worker === other.worker);
    }),
  ));

test("machines of one owner never count as two, and nothing else than owner and place decides", () =>
  fc.assert(
    fc.property(party, party, (one, other) => {
      assert.equal(independent(one, one), false);
      assert.equal(independent(one, other), independent(other, one));
      if (one.owner === other.owner) assert.equal(independent(one, other), false);
      if (one.owner !== other.owner && one.class !== "volunteer") assert.equal(independent(one, other), true);
    }),
  ));

for (const [name, one, other, expected] of [
  ["in one IPv4 /24", { ip4: "198.51.100.1" }, { ip4: "198.51.100.254" }, false],
  ["in two IPv4 /24", { ip4: "198.51.100.1" }, { ip4: "198.51.101.1" }, true],
  ["in one IPv6 /48, spelled otherwise", { ip6: "2001:db8::1" }, { ip6: "2001:0DB8:0:1::9" }, false],
  ["in two IPv6 /48", { ip6: "2001:db8::1" }, { ip6: "2001:db8:1::1" }, true],
  ["behind one relay", { relay: "r" }, { relay: "r" }, false],
  ["of whose place nothing is known", {}, {}, true],
] as const)
  test(`two strangers ${name} count as ${expected ? "two" : "one"}`, () => {
    const machine = (who: string, at: object): Party => ({ owner: who, class: "volunteer", place: at });
    assert.equal(independent(machine("ann", one), machine("ben", other)), expected);
    assert.equal(joins(machine("ann", one), [machine("cat", {}), machine("ben", other)]), expected);
  });

test("whatever the votes, an answer counts only with a quorum and more than half, and every vote is on one side", () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom("a", "b", "c"), { maxLength: 9 }),
      fc.integer({ min: 1, max: 9 }),
      (answers, quorum) => {
        const votes = answers.map((answer, at) => ({ seat: `s${at}`, answer }));
        const { answer, agreed, dissent } = count(votes, quorum);
        if (answer === undefined) {
          assert.deepEqual([agreed, dissent], [[], []]);
          return;
        }
        assert.equal(agreed.length >= quorum && agreed.length * 2 > votes.length, true);
        assert.equal(agreed.length + dissent.length, votes.length);
        assert.equal(reachable(votes, 0, quorum), true);
      },
    ),
  ));

test("a quorum that no missing answer can bring is known as such", () => {
  const votes = ["a", "b", "c"].map((answer) => ({ seat: answer, answer }));
  assert.deepEqual(
    [0, 1, 2, 3].map((missing) => reachable(votes, missing, 2)),
    [false, false, true, true],
  );
});

test("ends for a reason of the host are no answers", () => {
  const host = ["timeout", "memory", "crash", "canceled", "owner", "compile", "worker", "module", "stdin"];
  assert.deepEqual(host.filter(isAnswer), []);
  assert.deepEqual(["exit", "trap", "fuel", "depth", "output", "refused", "link"].filter(isAnswer).length, 7);
});

test("pure answers differ by one byte of output, loose ones only by how they ended", () => {
  const told = { reason: "exit", exit: 0, output: "aa", loose: false };
  assert.notEqual(answerKey(told), answerKey({ ...told, output: "ab" }));
  assert.equal(answerKey({ ...told, loose: true }), answerKey({ ...told, output: "ab", loose: true }));
  assert.notEqual(answerKey({ ...told, loose: true }), answerKey({ ...told, exit: 1, loose: true }));
});

test("trust never leaves 0 to 1, one bad answer ends every streak, and a good one never costs", () =>
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...fates), { maxLength: 60 }), fc.nat(90), (told, days) => {
      let history = newcomer(0);
      const now = days * day;
      for (const fate of told) {
        const before = history;
        history = after(history, fate, { class: "pure", job: "1", now });
        const points = score(history, now);
        assert.equal(points >= 0 && points <= 1, true);
        if (days < 7) assert.equal(points <= 0.5, true);
        if (fate === "valid") assert.equal(score(history, now) >= score(before, now) - 1e-9, true);
        else assert.deepEqual(history.streak, { pure: 0, loose: 0 });
        assert.equal(recentFailures(history) <= history.seen, true);
        assert.equal(history.valid + history.invalid >= history.seen, true);
      }
    }),
  ));

test("what cannot happen by accident puts a machine away at once, wrong output the third time", () => {
  const at = { class: "pure", job: "17", now: 5 } as const;
  for (const fate of ["copied-output", "broken-commitment", "forged-receipt", "other-job"] as const)
    assert.equal(after(newcomer(0), fate, at).quarantine?.reason, `${fate} in job 17`);
  let history = newcomer(0);
  const away: boolean[] = [];
  for (let times = 0; times < 3; times += 1) {
    history = after(history, "wrong-output", at);
    away.push(history.quarantine !== null);
  }
  assert.deepEqual(away, [false, false, true]);
  assert.equal(history.quarantine?.until, 5 + day);
  const back = release(history);
  assert.deepEqual([back.quarantine, back.streak.pure, tierOf(back, 60 * day)], [null, 0, 0]);
  const again = after(after(back, "forged-receipt", at), "valid", at);
  assert.equal(again.quarantine?.until, 5 + 2 * day);
});

test("the tier follows score, age and proved hardware", () => {
  const good = (attested: "none" | "tpm" | "tee" | "gpu") => {
    let history = newcomer(0, attested);
    for (let times = 0; times < 30; times += 1)
      history = after(history, "valid", { class: "pure", job: "1", now: 0 });
    return history;
  };
  const tiers = (history: ReturnType<typeof good>) => [1, 8, 40].map((days) => tierOf(history, days * day));
  assert.deepEqual(tiers(good("none")), [0, 1, 2]);
  assert.deepEqual(tiers(good("tpm")), [0, 1, 2]);
  assert.deepEqual(tiers(good("tee")), [0, 1, 3]);
  assert.deepEqual(tiers(good("gpu")), [0, 1, 4]);
  assert.deepEqual(
    [0, 1, 2, 3].map((tier) => auditRate("volunteer", tier as 0)),
    [0.05, 0.03, 0.02, 0.01],
  );
  assert.equal(auditRate("owned", 0), 0);
});

test("a stranger works alone only after ten good answers in a row, and never always", () => {
  let history = newcomer(0);
  const rule = (drawn: number, machine: MachineClass = "volunteer") =>
    ruleFor({ machine, class: "pure", history, now: 0, draw: drawn }).replicas;
  const alone: number[] = [];
  for (let times = 0; times < 12; times += 1) {
    alone.push(rule(0.999));
    history = after(history, "valid", { class: "pure", job: "1", now: 0 });
  }
  assert.deepEqual(alone, [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 1, 1]);
  assert.equal(rule(0), 5);
  assert.equal(replicationRate(10_000), 0.05);
  assert.deepEqual(
    ["owned", "borrowed", "rented"].map((of) => rule(0, of as MachineClass)),
    [1, 1, 1],
  );
});

test("a job's own wish is its rule: a quorum is more than half unless it is told", () => {
  assert.equal(askedRule({}), undefined);
  assert.deepEqual(askedRule({ replicas: 3 }), { replicas: 3, quorum: 2, why: "asked for" });
  assert.deepEqual(askedRule({ quorum: 2 }), { replicas: 3, quorum: 2, why: "asked for" });
  assert.deepEqual([1, 2, 3, 4, 5].map(majority), [1, 2, 2, 3, 3]);
});

test("the formulas give the published figures", () => {
  const percent = (part: number) => Math.round(part * 1000) / 10;
  assert.deepEqual(
    [100, 200].map((jobs) => percent(detection(0.03, jobs))),
    [95.2, 99.8],
  );
  assert.equal(percent(collusion(0.1)), 2.8);
});

test("draws from one chance differ by what they are for, and are spread evenly", () => {
  const drawn = Array.from({ length: 4000 }, (_, at) => draw("00", `audit ${at}`));
  const mean = drawn.reduce((sum, one) => sum + one, 0) / drawn.length;
  assert.equal(new Set(drawn).size, 4000);
  assert.equal(Math.abs(mean - 0.5) < 0.02, true);
});
