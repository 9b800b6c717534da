import assert from "node:assert/strict";
import { test } from "node:test";
import { commitTo, createSigner, signReceipt } from "@skep/receipt";
import { promise } from "@skep/trust";
import { type Rig, rig, sha256 } from "./rig.test.ts";

const salt = "5a".repeat(32);
const module = "ab".repeat(32);

interface Answer {
  readonly stdout?: string;
  readonly exit?: number;
  readonly reason?: string;
  /** What is told instead of what was committed to. */
  readonly reveal?: string;
  /** What the receipt says it is of. */
  readonly of?: { readonly jobId?: string; readonly job?: string; readonly try?: number };
  readonly seed?: string;
}

/** Appends a line; a refusal is thrown. */
async function say(session: ReturnType<Rig["join"]>, path: string, line: object) {
  const answer = await session.append(path, line as never);
  if (answer.verdict === "ok") return answer;
  throw Object.assign(new Error(JSON.stringify(answer)), { code: (answer as { code?: string }).code });
}

async function submit(hive: Rig, line: object): Promise<string> {
  const { result } = await say(hive.owner, "/jobs/ctl", line);
  return String((result as { job: string }).job);
}

/** A machine that answers jobs which several answer, through its own session. */
class Machine {
  readonly id: string;
  readonly hive: Rig;
  readonly session: ReturnType<Rig["join"]>;

  constructor(hive: Rig, id: string, owner: string, of = "volunteer") {
    this.id = id;
    this.hive = hive;
    this.session = hive.join(id, { machine: { class: of, owner } });
  }

  get #key(): string {
    return createSigner(Buffer.from(sha256(this.id), "hex")).publicKey;
  }

  tell(line: object): Promise<object> {
    return say(this.session, `/worker/${this.id}/results`, line);
  }

  receipt(jobId: string, stdout: string, extra: Record<string, string>, seed = this.id) {
    const { commitment, chunks } = commitTo(
      stdout === "" ? [] : [{ kind: "stdout", data: Buffer.from(stdout) }],
    );
    return signReceipt(createSigner(Buffer.from(sha256(seed), "hex")), {
      jobId,
      completedAt: 1_779_883_200_000_000_000n,
      result: {
        job_spec_hash: [...Buffer.from(jobId, "hex")],
        output_commitment: [...commitment],
        output_chunk_count: chunks,
        completion: "stop",
        resumption: null,
        metrics: {
          total_duration_ms: 1,
          prompt_tokens: 0,
          completion_tokens: 0,
          extra: { module_hash: `sha256:${module}`, ...extra },
        },
      },
    });
  }

  async #attempt(job: string): Promise<{ jobId: string; number: number }> {
    const { job_id } = (await this.hive.status(job)) as { job_id: string };
    const record = this.hive.kernel.slices.bound.find(({ provider }) => provider.name === "jobs")?.slice as {
      jobs: { get(id: string): { leases: readonly { worker: string; try: number }[] } | undefined };
      ballots: { get(id: string): { seats: readonly { worker: string; try: number }[] } | undefined };
    };
    const lease = record.jobs.get(job)?.leases.find(({ worker }) => worker === this.id);
    const seat = record.ballots.get(job)?.seats.find(({ worker }) => worker === this.id);
    return { jobId: job_id, number: lease?.try ?? seat?.try ?? 0 };
  }

  async commit(job: string, stdout: string): Promise<void> {
    const { number } = await this.#attempt(job);
    const { commitment } = commitTo(stdout === "" ? [] : [{ kind: "stdout", data: Buffer.from(stdout) }]);
    const told = { output: commitment, salt, worker: this.#key, job, try: number };
    await this.tell({ op: "commit", job, commitment: promise(told) });
  }

  async reveal(job: string, stdout: string, { of, seed, reason = "exit", exit = 0 }: Answer = {}) {
    const { jobId, number } = await this.#attempt(job);
    const extra = { exit_code: String(exit), job: of?.job ?? job, try: String(of?.try ?? number) };
    return await this.tell({
      op: "done",
      job,
      reason,
      exit: reason === "exit" ? exit : null,
      stdout: { bytes: stdout.length, inline: Buffer.from(stdout).toString("base64") },
      stderr: { bytes: 0, inline: "" },
      receipt: this.receipt(of?.jobId ?? jobId, stdout, extra, seed),
      salt,
    });
  }
}

const run = (replicas: number, quorum: number, more: object = {}) => ({
  op: "submit",
  run: { kind: "wasm", module, where: { data: "public" }, replicas, quorum, ...more },
});

interface Told {
  readonly answer: string | null;
  readonly replicas: readonly { worker: string; verdict: string; why: string }[];
}

async function verdictOf(hive: Rig, job: string): Promise<Told> {
  return JSON.parse(Buffer.from(await hive.owner.read(`/jobs/${job}/receipt`)).toString());
}

async function trustOf(hive: Rig, worker: string): Promise<Record<string, unknown>> {
  return JSON.parse(Buffer.from(await hive.owner.read(`/worker/${worker}/trust.json`)).toString());
}

const said = ({ replicas }: Told) =>
  Object.fromEntries(replicas.map(({ worker, verdict, why }) => [worker, `${verdict} ${why}`]));

async function pass(hive: Rig, ms: number): Promise<void> {
  await hive.kernel.settled();
  await hive.clock.advanceAsync(ms);
  await hive.kernel.settled();
}

/** Five machines of five owners, and a job that all of them answer. */
async function five(hive: Rig, quorum = 3) {
  const machines = ["a", "b", "c", "d", "e"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const job = await submit(hive, run(5, quorum));
  await pass(hive, 10);
  return { machines, job, liar: machines[4] as Machine, honest: machines.slice(0, 4) };
}

test("three machines of different owners commit, tell and agree; one file has the verdict with all receipts", async () => {
  await using hive = await rig();
  const machines = ["a", "b", "c"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const job = await submit(hive, run(3, 2));
  await pass(hive, 10);
  for (const machine of machines) await machine.commit(job, "out\n");
  for (const machine of machines) {
    assert.equal((await hive.status(job)).state, "running");
    await machine.reveal(job, "out\n");
  }
  const { state, exit, verified } = await hive.status(job);
  assert.deepEqual([state, exit, verified], ["done", 0, "yes"]);
  assert.equal(Buffer.from(await hive.owner.read(`/jobs/${job}/stdout`)).toString(), "out\n");
  const verdict = await verdictOf(hive, job);
  assert.deepEqual(said(verdict), { "w-a": "agreed valid", "w-b": "agreed valid", "w-c": "agreed valid" });
  assert.equal((await trustOf(hive, "w-a")).streak_pure, 1);
});

test("nothing is told before all have committed, and a worker sees no commitment of another", async () => {
  await using hive = await rig();
  const [one, other] = ["a", "b"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`)) as [
    Machine,
    Machine,
  ];
  const job = await submit(hive, run(2, 2));
  await pass(hive, 10);
  await assert.rejects(one.reveal(job, "out\n"), { code: "jobs.early" });
  await one.commit(job, "out\n");
  await assert.rejects(one.reveal(job, "out\n"), { code: "jobs.early" });
  await assert.rejects(one.session.read(`/jobs/${job}/receipt`), { kind: "absent" });
  await other.commit(job, "out\n");
  await one.reveal(job, "out\n");
  await other.reveal(job, "out\n");
  assert.equal((await hive.status(job)).state, "done");
});

test("replicas never sit on two machines of one owner: the job waits for a third", async () => {
  await using hive = await rig();
  const machines = ["a", "b", "b"].map((name, at) => new Machine(hive, `w-${at}`, `owner-${name}`));
  const job = await submit(hive, run(3, 2));
  await pass(hive, 10);
  await machines[0]?.commit(job, "x");
  await machines[1]?.commit(job, "x");
  await pass(hive, 1000);
  await assert.rejects(machines[2]?.commit(job, "x") ?? Promise.resolve(), { code: "jobs.holder" });
  assert.equal(
    (await hive.status(job)).wait,
    "answer 3 of 3 needs a machine of another owner: what is left (1 machine) is of owners who answer already",
  );
  const third = new Machine(hive, "w-3", "owner-c");
  await pass(hive, 10);
  await third.commit(job, "x");
  for (const machine of [machines[0], machines[1], third]) await machine?.reveal(job, "x");
  assert.equal((await hive.status(job)).state, "done");
});

const lies: readonly [
  name: string,
  why: string,
  lie: (liar: Machine, job: string, hive: Rig) => Promise<unknown>,
][] = [
  [
    "gives a wrong output",
    "wrong-output",
    async (liar, job) => {
      await liar.commit(job, "wrong\n");
      return () => liar.reveal(job, "wrong\n");
    },
  ],
  [
    "copies another's output after it was told",
    "copied-output",
    async (liar, job) => {
      await liar.commit(job, "nothing yet");
      return () => liar.reveal(job, "out\n");
    },
  ],
  [
    "tells something else than it committed to",
    "broken-commitment",
    async (liar, job) => {
      await liar.commit(job, "one thing");
      return () => liar.reveal(job, "another");
    },
  ],
  [
    "is there and does not tell in time",
    "late-reveal",
    async (liar, job, hive) => {
      await liar.commit(job, "out\n");
      return async () => {
        for (let times = 0; times < 7; times += 1) {
          await pass(hive, 5000);
          await liar.tell({ op: "renew" });
        }
        await liar.reveal(job, "out\n").catch(() => undefined);
      };
    },
  ],
  [
    "forges the receipt of another",
    "forged-receipt",
    async (liar, job) => {
      await liar.commit(job, "out\n");
      return () => liar.reveal(job, "out\n", { seed: "w-a" });
    },
  ],
  [
    "replays its receipt of an earlier try",
    "replayed-receipt",
    async (liar, job) => {
      await liar.commit(job, "out\n");
      return () => liar.reveal(job, "out\n", { of: { try: 77 } });
    },
  ],
  [
    "tells the result of another job",
    "other-job",
    async (liar, job) => {
      await liar.commit(job, "out\n");
      return () => liar.reveal(job, "out\n", { of: { jobId: "77".repeat(32), job: "3" } });
    },
  ],
];

for (const [name, why, lie] of lies)
  test(`a liar among five that ${name} is named ${why} in the verdict and loses trust, and the answer counts`, async () => {
    await using hive = await rig();
    const { machines, job, liar, honest } = await five(hive);
    for (const machine of honest) await machine.commit(job, "out\n");
    const tell = (await lie(liar, job, hive)) as () => Promise<unknown>;
    for (const machine of honest) await machine.reveal(job, "out\n");
    await tell();
    await pass(hive, 10);
    assert.equal((await hive.status(job)).state, "done");
    const told = said(await verdictOf(hive, job));
    assert.equal(told[liar.id], `dissent ${why}`);
    assert.deepEqual(
      honest.map(({ id }) => told[id]),
      Array(4).fill("agreed valid"),
    );
    const { invalid, valid, streak_pure, state } = await trustOf(hive, liar.id);
    assert.deepEqual([invalid, valid, streak_pure], [1, 0, 0]);
    const away = why !== "wrong-output" && why !== "late-reveal";
    assert.equal(state, away ? "quarantined" : "trusted");
    for (const { id } of honest) assert.equal((await trustOf(hive, id)).invalid, 0);
    if (away) {
      // Nothing goes to it any more.
      const next = await submit(hive, run(5, 3));
      await pass(hive, 1000);
      await assert.rejects(machines[4]?.commit(next, "x") ?? Promise.resolve(), { code: "jobs.holder" });
    }
  });

test("a receipt that the hive has seen with another job is named as replayed", async () => {
  await using hive = await rig();
  const machines = ["a", "b", "c"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const play = async (forged?: object) => {
    const job = await submit(hive, run(3, 2));
    await pass(hive, 10);
    for (const machine of machines) await machine.commit(job, "out\n");
    const [one, two, liar] = machines as [Machine, Machine, Machine];
    await one.reveal(job, "out\n");
    await two.reveal(job, "out\n");
    const stdout = { bytes: 4, inline: Buffer.from("out\n").toString("base64") };
    if (forged) await liar.tell({ op: "done", job, exit: 0, stdout, receipt: forged, salt });
    else await liar.reveal(job, "out\n");
    return job;
  };
  const first = await play();
  const { replicas } = (await verdictOf(hive, first)) as never as {
    replicas: { worker: string; receipt: object }[];
  };
  const second = await play(replicas.find(({ worker }) => worker === "w-c")?.receipt);
  assert.equal(said(await verdictOf(hive, second))["w-c"], "dissent replayed-receipt");
});

test("whoever crashes or is frozen is no answer: it loses nothing, and another machine answers", async () => {
  await using hive = await rig();
  const machines = ["a", "b", "c", "d"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const [one, two, crash, frozen] = machines as [Machine, Machine, Machine, Machine];
  const job = await submit(hive, run(3, 2));
  await pass(hive, 10);
  await crash.reveal(job, "", { reason: "timeout" });
  hive.leave(crash.id);
  await pass(hive, 10);
  for (const machine of [one, two, frozen]) await machine.commit(job, "out\n");
  for (const machine of [one, two]) await machine.reveal(job, "out\n");
  for (let times = 0; times < 8; times += 1) {
    await pass(hive, 5000);
    // A process that stands still renews nothing and tells nothing.
    for (const machine of [one, two]) await machine.tell({ op: "renew" });
  }
  assert.equal((await hive.status(job)).state, "done");
  const told = said(await verdictOf(hive, job));
  assert.deepEqual(told, { "w-a": "agreed valid", "w-b": "agreed valid", "w-d": "no-answer it was gone" });
  await frozen.reveal(job, "out\n").catch(() => undefined);
  for (const { id } of [crash, frozen]) assert.equal((await trustOf(hive, id)).invalid, 0);
});

test("whoever is slower than a quorum is not waited for, and loses nothing", async () => {
  await using hive = await rig();
  const machines = ["a", "b", "c"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const [one, two, slow] = machines as [Machine, Machine, Machine];
  const job = await submit(hive, run(3, 2));
  await pass(hive, 10);
  for (const machine of [one, two]) await machine.commit(job, "out\n");
  await assert.rejects(one.reveal(job, "out\n"), { code: "jobs.early" });
  for (let times = 0; times < 3; times += 1) {
    await pass(hive, 5000);
    for (const machine of machines) await machine.tell({ op: "renew" });
  }
  await assert.rejects(slow.commit(job, "out\n"), { code: "jobs.holder" });
  for (const machine of [one, two]) await machine.reveal(job, "out\n");
  assert.equal((await hive.status(job)).state, "done");
  assert.equal((await trustOf(hive, slow.id)).invalid, 0);
});

test("machines that do not agree are joined by more, until a quorum agrees", async () => {
  await using hive = await rig();
  const machines = ["a", "b", "c", "d"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const job = await submit(hive, run(2, 2));
  await pass(hive, 10);
  const first = machines.slice(0, 2);
  for (const [at, machine] of first.entries()) await machine.commit(job, `answer ${at}`);
  for (const [at, machine] of first.entries()) await machine.reveal(job, `answer ${at}`);
  assert.equal((await hive.status(job)).state, "running");
  await pass(hive, 10);
  await machines[2]?.commit(job, "answer 1");
  await machines[2]?.reveal(job, "answer 1");
  assert.equal((await hive.status(job)).state, "done");
  const told = said(await verdictOf(hive, job));
  assert.deepEqual(told, { "w-a": "dissent wrong-output", "w-b": "agreed valid", "w-c": "agreed valid" });
});

test("a worker that was put away by hand gets nothing until it is released, and comes back at the bottom", async () => {
  await using hive = await rig();
  const machine = new Machine(hive, "w-a", "owner-a", "borrowed");
  const standing = (line: object) => say(hive.owner, "/worker/w-a/standing", line);
  await assert.rejects(standing({ op: "release" }), { code: "jobs.away" });
  await standing({ op: "quarantine", reason: "bad memory" });
  const job = await hive.submit();
  await pass(hive, 1000);
  assert.equal((await hive.status(job)).state, "queued");
  assert.match(Buffer.from(await hive.owner.read("/worker/w-a/trust")).toString(), /^state=quarantined\n/m);
  await standing({ op: "release" });
  await pass(hive, 1000);
  assert.equal((await hive.status(job)).state, "running");
  await assert.rejects(say(machine.session, "/worker/w-a/standing", { op: "release" }));
  await standing({ op: "quarantine", reason: "for a while", ttl_ms: 60_000 });
  await pass(hive, 61_000);
  assert.equal((await trustOf(hive, "w-a")).state, "trusted");
});

test("a quorum of less than half, or of more than there are, is refused", async () => {
  await using hive = await rig();
  for (const [replicas, quorum] of [
    [3, 1],
    [3, 4],
    [2, 1],
  ])
    await assert.rejects(submit(hive, run(replicas ?? 0, quorum ?? 0)), { code: "jobs.replicas" });
});

test("a stranger's machine does not work alone: a public job goes to five, and a job of the hive never to strangers", async () => {
  await using hive = await rig();
  const machines = ["a", "b", "c", "d", "e"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const own = await hive.submit();
  const open = await submit(hive, { op: "submit", run: { kind: "wasm", module, where: { data: "public" } } });
  await pass(hive, 100);
  assert.equal((await hive.status(own)).state, "queued");
  for (const machine of machines) await machine.commit(open, "x");
  for (const machine of machines) await machine.reveal(open, "x");
  assert.equal((await hive.status(open)).state, "done");
  assert.equal((await verdictOf(hive, open)).replicas.length, 5);
});

test("what is declared loose never goes to a stranger's machine, alone or with others, and the job says why it waits", async () => {
  await using hive = await rig();
  const strangers = ["a", "b", "c"].map((name) => new Machine(hive, `w-${name}`, `owner-${name}`));
  const alone = await submit(hive, {
    op: "submit",
    run: { kind: "wasm", module, where: { data: "public" }, determinism: "loose" },
  });
  const many = await submit(hive, run(3, 2, { determinism: "loose" }));
  await pass(hive, 1000);
  for (const job of [alone, many]) {
    const { state, wait } = await hive.status(job);
    assert.deepEqual(
      [state, wait],
      ["queued", "no machine that may have loose work (only pure work goes to volunteers)"],
    );
    for (const machine of strangers) await assert.rejects(machine.commit(job, "x"), { code: "jobs.holder" });
  }
  new Machine(hive, "w-own", "me", "owned");
  await pass(hive, 1000);
  assert.equal((await hive.status(alone)).worker, "w-own");
});
