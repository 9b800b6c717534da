import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import {
  fullAuthority,
  foldTo,
  Kernel,
  type KernelOptions,
  type Session,
  Slices,
  writeSnapshot,
} from "@skep/kernel";
import {
  type PowerCut,
  type RecordingFiles,
  recordingFiles,
  seeded,
  simulatedClock,
  toyProvider,
} from "@skep/testing";

const providers = () => [toyProvider()];
const version = "crash";

/** What holds in every power cut at its moment or later. */
interface History {
  readonly sent: Set<string>;
  readonly acknowledged: { readonly moment: number; readonly key: string }[];
}

async function open(files: RecordingFiles, more: Partial<KernelOptions> = {}): Promise<Kernel> {
  const kernel: Kernel = await Kernel.open({
    files,
    providers: providers(),
    version,
    clock: simulatedClock(5),
    defer: (act) => void setImmediate(act),
    fatal: () => undefined,
    chance: () => createHash("sha256").update("chance").digest("hex"),
    born: () => ({ id: "hive-crash", name: "crash" }),
    // Small, so that cuts hit the change from one segment to the next and the making of a snapshot as well.
    segmentSize: 4000,
    snapshotEvery: 12,
    fold: async (seq) => {
      const slices = await foldTo(files, kernel.journal, providers(), version, seq);
      const { file, digest } = await writeSnapshot(files, slices, seq);
      return { file, digest, code: slices.code };
    },
    ...more,
  });
  return kernel;
}

/** Makes no snapshot, so that nothing happens while a test looks. */
const quiet = { snapshotEvery: 1_000_000 };

/** Keyed commands from several sessions, some for the same bee, several in flight. */
async function work(kernel: Kernel, files: RecordingFiles, history: History, name: string): Promise<void> {
  const random = seeded(name.length + name.charCodeAt(0));
  const sessions = ["ann", "ben", "cat"].map((subject) => kernel.attach(fullAuthority(subject), "test"));
  const one = async (session: Session, at: number): Promise<void> => {
    const key = `${name}-${session.subject}-${at}`;
    history.sent.add(key);
    const bee = `bee-${Math.floor(random() * 6)}`;
    const op = random() < 0.6 ? "hatch" : "retire";
    const answer = await session.append("/comb/ctl", { op, bee }, { key }).catch(() => undefined);
    if (answer?.verdict === "ok") history.acknowledged.push({ moment: files.moment, key });
  };
  for (let round = 0; round < 5; round += 1)
    await Promise.all(sessions.flatMap((session) => [one(session, round * 2), one(session, round * 2 + 1)]));
}

/** Keys in the journal of a kernel, each with how often; and the digest of a replay from its first record. */
async function told(kernel: Kernel): Promise<{ keys: Map<string, number>; digest: string; newest: number }> {
  const slices = new Slices(providers(), version);
  const keys = new Map<string, number>();
  let newest = -1;
  for await (const record of kernel.journal.records(0)) {
    slices.apply(record);
    assert.equal(record.seq, newest + 1);
    newest = record.seq;
    if (record.key !== undefined) keys.set(record.key, (keys.get(record.key) ?? 0) + 1);
  }
  return { keys, digest: slices.state.digest(), newest };
}

async function check(cut: PowerCut, history: History): Promise<void> {
  const kernel = await open(recordingFiles(cut.image), quiet).catch((error) =>
    assert.fail(`${cut.label}: ${error} ${error.cause ?? ""}`),
  );
  const { keys, digest } = await told(kernel);
  assert.equal(kernel.slices.state.digest(), digest, `${cut.label}: state is no replay`);
  for (const { moment, key } of history.acknowledged)
    if (moment <= cut.moment) assert.equal(keys.get(key), 1, `${cut.label}: ${key} was acknowledged`);
  for (const [key, count] of keys)
    assert.deepEqual([count, history.sent.has(key)], [1, true], `${cut.label}: ${key}`);
  for (const key of keys.keys())
    assert.equal(kernel.slices.kernel.keys.has(`${key.split("-")[1]}\n${key}`), true);
  await kernel.close();
}

/** Every cut of some moments would take minutes to build: some moments, and some cuts of each, that the seed picks. */
function* sample(files: RecordingFiles, moments: readonly number[], seed: number): Generator<PowerCut> {
  const random = seeded(seed);
  for (const moment of moments) {
    let taken = 0;
    for (const cut of files.powerCuts(moment)) {
      if (random() > 0.3) continue;
      yield cut;
      taken += 1;
      if (taken === 10) break;
    }
  }
}

/** Moments after `from` that the seed picks. */
function momentsOf(files: RecordingFiles, from: number, count: number): number[] {
  const random = seeded(count);
  return Array.from({ length: count }, () => from + 1 + Math.floor(random() * (files.moment - from)));
}

test("whatever a power cut leaves of a kernel's files, acknowledged commands are there once and state is a replay", async () => {
  const files = recordingFiles();
  const history: History = { sent: new Set(), acknowledged: [] };
  const first = await open(files);
  await work(first, files, history, "a");
  await first.close();
  const second = await open(files);
  await work(second, files, history, "b");
  const names = [...files.image().keys()];
  assert.equal(names.filter((name) => name.endsWith(".seg")).length > 2, true);
  assert.equal(names.includes("snapshot/current"), true);
  assert.equal(history.acknowledged.length > 25, true);
  let checked = 0;
  for (const cut of sample(files, momentsOf(files, 0, 60), 9)) {
    await check(cut, history);
    checked += 1;
  }
  assert.equal(checked > 100, true);
  assert.deepEqual(files.complaints, []);
  process.stdout.write(
    `power cuts of a kernel: ${checked} images, ${history.acknowledged.length} acknowledged\n`,
  );
});

test("a kernel that died with commands in flight goes on, and a power cut after that loses nothing", async () => {
  const killed = recordingFiles();
  const history: History = { sent: new Set(), acknowledged: [] };
  const first = await open(killed);
  await work(first, killed, history, "a");
  const held = killed.hold("sync");
  void work(first, killed, history, "b");
  await held.reached;
  const files = killed.withoutProcess();
  const from = files.moment;
  const second = await open(files);
  await work(second, files, history, "c");
  for (const cut of sample(files, momentsOf(files, from, 30), 4)) await check(cut, history);
});

test("a failing fdatasync stops the kernel once, acknowledges nothing, and the next start recovers", async () => {
  const files = recordingFiles();
  const history: History = { sent: new Set(), acknowledged: [] };
  const fatal: unknown[] = [];
  const kernel = await open(files, { fatal: (error) => fatal.push(error), ...quiet });
  await work(kernel, files, history, "a");
  const before = history.acknowledged.length;
  files.fail({ op: "sync", errno: "EIO" });
  await work(kernel, files, history, "b");
  assert.deepEqual([fatal.length, history.acknowledged.length], [1, before]);
  // Not even a second command, nor a read of what was never durable.
  const owner = kernel.attach(fullAuthority("owner"), "test");
  await assert.rejects(owner.append("/comb/ctl", { op: "hatch", bee: "late" }).then(refusedToThrow));
  await assert.rejects(async () => owner.read("/comb/count"));
  assert.deepEqual([fatal.length, files.complaints], [1, []]);
  for (const cut of sample(files, Array(8).fill(files.moment), 3)) await check(cut, history);
  const after = await open(files.withoutProcess(), quiet);
  await work(after, files, history, "c");
  assert.equal((await told(after)).digest, after.slices.state.digest());
});

function refusedToThrow(answer: { readonly verdict: string; readonly code?: string }): never {
  throw Object.assign(new Error(answer.verdict), { code: answer.code });
}

test("a live kernel's state is a replay of its journal at any moment that is durable", async () => {
  const files = recordingFiles();
  const kernel = await open(files, quiet);
  const history: History = { sent: new Set(), acknowledged: [] };
  for (const name of ["a", "b", "c", "d"]) {
    await work(kernel, files, history, name);
    await kernel.settled();
    assert.equal((await told(kernel)).digest, kernel.slices.state.digest());
  }
});
