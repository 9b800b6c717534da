// Runs in a worker thread: folds the journal apart from the live state.
import { parentPort, workerData } from "node:worker_threads";
import { toFault } from "@skep/fault";
import { foldTo, Journal, Past, writeSnapshot } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { version } from "../version.ts";
import type { FoldQuestion } from "./fold-protocol.ts";
import { foldedMounts } from "./folded.ts";
import { places } from "./storage.ts";

const { home } = workerData as { home: string };
const files = openFiles(places.files(home));

let opened: Promise<Journal> | undefined;

/** The journal with at least the records below `next`; opened again only when it has grown. */
async function journalTo(next: number): Promise<Journal> {
  const known = await opened;
  if (known && known.segments.records >= next) return known;
  opened = Journal.openToRead(files, { trust: true });
  return opened;
}

const past = new Past({
  files,
  journal: journalTo,
  providers: (journal) => foldedMounts(home, journal),
  version,
});

async function snapshot(seq: number): Promise<unknown> {
  const journal = await journalTo(seq);
  const slices = await foldTo(files, journal, foldedMounts(home, journal), version, seq);
  const { file, digest } = await writeSnapshot(files, slices, seq);
  opened = undefined;
  return { file, digest, code: slices.code };
}

parentPort?.on("message", async ({ id, question }: { id: number; question: FoldQuestion }) => {
  try {
    const value =
      question.op === "past" ? await past.answer(question.question) : await snapshot(question.seq);
    parentPort?.postMessage({ id, value });
  } catch (thrown) {
    const { kind, code, message, cause } = toFault(thrown);
    parentPort?.postMessage({
      id,
      error: { kind, code, message: cause ? `${message} (${String(cause)})` : message },
    });
  }
});
