// Runs in a worker thread: folds the journal apart from the live state.
import { parentPort, workerData } from "node:worker_threads";
import { toFault } from "@skep/fault";
import { foldOn, Journal, loadNearest, type Made, Past, writeSnapshot } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import type { Values } from "../config/mod.ts";
import { version } from "../version.ts";
import type { FoldQuestion } from "./fold-protocol.ts";
import { replayLog } from "../proof/replay.ts";
import { foldedMounts } from "./folded.ts";
import { chanceOf, hiveKeys } from "./keys.ts";
import { places } from "./storage.ts";

const { home, values } = workerData as { home: string; values: Values | undefined };
const files = openFiles(places.files(home));

let opened: Promise<Journal> | undefined;

/** The journal with at least the records below `next`; opened again only when it holds too few. */
async function journalTo(next: number): Promise<Journal> {
  const known = await opened;
  if (known && known.segments.records >= next) return known;
  opened = Journal.openToRead(files, { trust: true, below: next });
  return opened;
}

const past = new Past({
  files,
  journal: journalTo,
  providers: (journal) => foldedMounts(home, journal, values),
  version,
});

async function snapshot(seq: number): Promise<Made> {
  const begun = performance.now();
  const journal = await journalTo(seq);
  const { slices, from } = await loadNearest(
    files,
    journal,
    foldedMounts(home, journal, values),
    version,
    seq,
  );
  const loaded = performance.now();
  await foldOn(slices, journal, from, seq);
  const fold = performance.now() - loaded;
  const { file, digest } = await writeSnapshot(files, slices, seq);
  opened = undefined;
  const rest = performance.now() - begun - fold;
  return { file, digest, code: slices.code, cost: { records: seq - from, fold, rest } };
}

/** Records folded for the sake of warmth alone. */
const forWarmth = 3000;

/** Does once what a look into the past does, and keeps nothing: what it runs is loaded and compiled then. */
async function warm(seq: number): Promise<void> {
  const journal = await journalTo(seq);
  const near = Math.max(0, seq - forWarmth);
  const { slices, from } = await loadNearest(
    files,
    journal,
    foldedMounts(home, journal, values),
    version,
    near,
  );
  await foldOn(slices, journal, from, Math.min(seq, from + forWarmth));
}

async function replay(from: number, to: number): Promise<unknown> {
  const journal = await journalTo(to);
  async function* read(first: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = first; at < end; ) {
      const batch = await journal.segments.read(at, Math.min(1024, end - at));
      yield* batch;
      at += batch.length;
    }
  }
  const chance = chanceOf(home, hiveKeys(home).origin);
  const options = { providers: foldedMounts(home, journal, values), version, chance };
  const { entries, sequence, difference } = await replayLog(read, { from, to }, options);
  const parted = difference && { seq: difference.seq, what: difference.what };
  return { entries, sequence, ...(parted && { difference: parted }) };
}

function answer(question: FoldQuestion): Promise<unknown> {
  if (question.op === "past") return past.answer(question.question);
  if (question.op === "warm") return warm(question.seq);
  if (question.op === "replay") return replay(question.from, question.to);
  return snapshot(question.seq);
}

parentPort?.on("message", async ({ id, question }: { id: number; question: FoldQuestion }) => {
  try {
    const value = await answer(question);
    parentPort?.postMessage({ id, value });
  } catch (thrown) {
    const { kind, code, message, cause } = toFault(thrown);
    parentPort?.postMessage({
      id,
      error: { kind, code, message: cause ? `${message} (${String(cause)})` : message },
    });
  }
});
