import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { defineProvider, fullAuthority, type Index, Kernel, Slices } from "@skep/kernel";
import { recordingFiles, simulatedClock } from "@skep/testing";
import {
  checkHistory,
  commons,
  decay,
  downgradeRefund,
  type Entry,
  type Ledger,
  ledgerProvider,
} from "./mod.ts";
import { nextPosting, post } from "./src/post.ts";

const day = 86_400_000;

/** Stands in for jobs and members: what they tell of is emitted by hand. */
const standIn = () =>
  defineProvider<null>({
    name: "jobs",
    doc: "Stand-in for jobs and members",
    initial: () => null,
    events: { "metered@1": () => undefined, "reversed@1": () => undefined },
    offers: {
      members: () => ({
        get: (worker: string) => (worker === "w-ann" ? { class: "volunteer", owner: "ann" } : undefined),
      }),
    },
    mounts: () => ({}),
  });

async function rig() {
  const found = new Map<string, number>();
  const index = {
    upTo: 0,
    add: (entries: readonly { kind: string; key: string; seq: number }[]) => {
      for (const { kind, key, seq } of entries) found.set(`${kind} ${key}`, seq);
    },
    find: async (kind: string, key: string) => found.get(`${kind} ${key}`),
    page: async () => [],
    count: async () => 0,
    touched: async () => [],
    close: async () => undefined,
  } as Index;
  const clock = simulatedClock(7);
  const providers = () => [
    standIn(),
    ledgerProvider({
      posting: (account, n) => index.find("ledger", `${account}/${n}`),
      record: (seq) => kernel.journal.record(seq),
      account: (member) => member?.owner ?? "owner",
    }),
  ];
  const kernel: Kernel = await Kernel.open({
    files: recordingFiles(),
    clock,
    version: "test",
    index,
    providers: providers(),
    defer: (act) => void setImmediate(act),
    fatal: (error) => {
      throw error;
    },
    chance: () => "00".repeat(32),
    born: () => ({ id: "hive-test", name: "test" }),
  });
  const tell = (type: string, job: string, payer: string, paid: Record<string, number>) =>
    kernel.system("jobs", "/", { op: "tell" }, () => ({
      events: [
        {
          type,
          data: { job, payer, paid: Object.entries(paid).map(([account, micro]) => ({ account, micro })) },
        },
      ],
    }));
  const session = (subject: string, role: string) => kernel.attach(fullAuthority(subject, role), "test");
  const pass = async (ms: number) => {
    await kernel.settled();
    await clock.advanceAsync(ms);
    await kernel.settled();
  };
  const balances = async (subject = "owner", role = "queen") => {
    const text = Buffer.from(await session(subject, role).read("/ledger/balance.json")).toString();
    const rows = JSON.parse(text) as { account: string; micro: number }[];
    return Object.fromEntries(rows.map(({ account, micro }) => [account, micro]));
  };
  return { kernel, clock, tell, pass, balances, session, providers };
}

/** The history of an account as `skep ledger verify` sees it. */
async function history(hive: Awaited<ReturnType<typeof rig>>, account: string) {
  const all = JSON.parse(
    Buffer.from(await hive.session("owner", "queen").read("/ledger/balance.json")).toString(),
  ) as { account: string; postings: number }[];
  const last = all.find((row) => row.account === account)?.postings ?? 0;
  const steps: { n: number; entries: Entry[] }[] = [];
  for (let n = 1; n <= last; n += 1) {
    const line = await hive.session("owner", "queen").read(`/ledger/accounts/${account}/${n}`);
    const { events } = JSON.parse(Buffer.from(line).toString()) as { events: { t: string; d: never }[] };
    const entries = events
      .filter(({ t }) => t.startsWith("ledger:"))
      .flatMap(({ d }) => (d as { entries: Entry[] }).entries);
    steps.push({ n, entries });
  }
  return steps;
}

test("what is measured is posted within a second, together, and what nobody can pay the commons pays", async () => {
  const hive = await rig();
  hive.tell("metered@1", "17", "ben", { ann: 300 });
  hive.tell("metered@1", "18", "ben", { ann: 100, cat: 50 });
  await hive.pass(1500);
  assert.deepEqual(await hive.balances(), { ann: 400, cat: 50, commons: -450 });
  const before = hive.kernel.journal.durable;
  hive.tell("metered@1", "19", "ann", { cat: 500 });
  await hive.pass(1500);
  assert.deepEqual(await hive.balances(), { ann: 0, cat: 550, commons: -550 });
  assert.equal(hive.kernel.journal.durable - before, 2);
  await hive.kernel.close();
});

test("a donor sees its own account and no other; a stranger sees nothing", async () => {
  const hive = await rig();
  hive.tell("metered@1", "17", "ben", { ann: 300, cat: 7 });
  await hive.pass(1500);
  assert.deepEqual(await hive.balances("w-ann", "worker"), { ann: 300 });
  assert.deepEqual(await hive.balances("dan", "worker"), {});
  const worker = hive.session("w-ann", "worker");
  await assert.rejects(worker.read("/ledger/accounts/cat/1"), { kind: "absent" });
  await hive.kernel.close();
});

test("an audit that finds an answer wrong takes back what was paid for it", async () => {
  const hive = await rig();
  hive.tell("metered@1", "16", "x", { ben: 1000 });
  hive.tell("metered@1", "17", "ben", { liar: 300, other: 300 });
  await hive.pass(1500);
  hive.tell("metered@1", "18", "liar", { cat: 100 });
  await hive.pass(1500);
  hive.tell("reversed@1", "17", "ben", { liar: 300, other: 300 });
  await hive.pass(1500);
  const { ben, liar, other, cat, commons: rest } = await hive.balances();
  assert.deepEqual([liar, other, cat, (ben ?? 0) + (rest ?? 0)], [0, 0, 100, -100]);
  await hive.kernel.close();
});

test("savings fade day by day, and never below thirty days of earning", async () => {
  const hive = await rig();
  const slices = new Slices(hive.providers(), "test");
  const state = slices.bound.find(({ provider }) => provider.name === "ledger")?.slice as Ledger;
  const metered = { job: "17", payer: "x", paid: [{ account: "ann", micro: 1_000_000 }] };
  const start = 20_000 * day;
  slices.apply({
    seq: 0,
    time: start,
    subject: "s",
    effects: [],
    events: [{ t: "jobs:metered@1", d: metered }],
  });
  const left: number[] = [];
  let seq = 1;
  for (let days = 0; days <= 75; days += 1) {
    const now = start + days * day + 2000;
    for (let due = nextPosting(state); due !== undefined && due <= now; due = nextPosting(state)) {
      const { events = [] } = post({ state, now }) ?? {};
      const told = events.map(({ type, data }) => ({ t: `ledger:${type}`, d: data }));
      slices.apply({ seq, time: now, subject: "system", effects: [], events: told });
      seq += 1;
    }
    left.push(state.accounts.get("ann")?.balance ?? 0);
  }
  assert.deepEqual([left[0], left[29]], [1_000_000, 1_000_000]);
  const half = left[75] ?? 0;
  assert.equal(Math.abs(half - 500_000) < 10_000, true, String(half));
  assert.equal(state.accounts.get(commons)?.balance, -half);
  await hive.kernel.close();
});

test("whatever happens, all sides add up to nothing, no account goes below zero, and a history verifies from its records", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record({
          payer: fc.constantFrom("ann", "ben", "cat"),
          payee: fc.constantFrom("ann", "ben", "cat"),
          micro: fc.integer({ min: 1, max: 10_000 }),
          reverse: fc.boolean(),
          wait: fc.constantFrom(0, 1100),
        }),
        { maxLength: 12 },
      ),
      async (steps) => {
        const hive = await rig();
        for (const [at, { payer, payee, micro, reverse, wait }] of steps.entries()) {
          hive.tell("metered@1", `${at}`, payer, { [payee]: micro });
          if (reverse) hive.tell("reversed@1", `${at}`, payer, { [payee]: micro });
          await hive.pass(wait);
        }
        await hive.pass(1500);
        const balances = await hive.balances();
        assert.equal(
          Object.values(balances).reduce((sum, micro) => sum + micro, 0),
          0,
        );
        for (const [account, micro] of Object.entries(balances)) {
          assert.equal(account === commons || micro >= 0, true);
          assert.equal(checkHistory(account, await history(hive, account)), undefined);
        }
        // The ledger equals a replay from genesis.
        const replay = new Slices(hive.providers(), "test");
        for await (const record of hive.kernel.journal.records(0)) replay.apply(record);
        assert.equal(replay.state.digest(), hive.kernel.slices.state.digest());
        await hive.kernel.close();
      },
    ),
    { numRuns: 12 },
  ));

test("a history with a posting left out, changed or from nowhere does not verify", async () => {
  const hive = await rig();
  for (const job of ["1", "2", "3"]) {
    hive.tell("metered@1", job, "x", { ann: 100 });
    await hive.pass(1500);
  }
  const steps = await history(hive, "ann");
  assert.equal(steps.length, 3);
  assert.equal(checkHistory("ann", steps.slice(1)), "posting 1 is missing");
  assert.equal(checkHistory("ann", [steps[0], steps[2]] as never), "posting 2 is missing");
  const forged = structuredClone(steps) as unknown as { entries: { postings: { micro: number }[] }[] }[];
  for (const posting of forged[1]?.entries[0]?.postings ?? []) posting.micro *= 2;
  assert.equal(checkHistory("ann", forged as never), "posting 2 leaves 200, and 300 is right");
  await hive.kernel.close();
});

test("a downgrade gives back 30 % a class, and savings halve in 45 days", () => {
  assert.deepEqual(
    [0, 1, 2, 4].map((classes) => downgradeRefund(1000, classes)),
    [0, 300, 600, 1000],
  );
  let left = 1_000_000;
  for (let days = 0; days < 45; days += 1) left -= decay(left, 0, false);
  assert.equal(Math.abs(left - 500_000) < 50, true);
});
