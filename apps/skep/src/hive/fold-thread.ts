// Runs in a worker thread: folds the journal apart from the live state.
import { parentPort, workerData } from "node:worker_threads";
import { toFault } from "@skep/fault";
import { foldTo, Journal, writeSnapshot } from "@skep/kernel";
import { openFiles } from "@skep/storage";
import { version } from "../version.ts";
import type { FoldQuestion } from "./fold-protocol.ts";
import { foldedMounts } from "./folded.ts";
import { places } from "./storage.ts";

const { home } = workerData as { home: string };

async function snapshot(seq: number): Promise<unknown> {
  const files = openFiles(places.files(home));
  const journal = await Journal.openToRead(files);
  const slices = await foldTo(files, journal, foldedMounts(home, journal), version, seq);
  const { file, digest } = await writeSnapshot(files, slices, seq);
  return { file, digest, code: slices.code };
}

async function answer(question: FoldQuestion): Promise<unknown> {
  return snapshot((question as { seq: number }).seq);
}

parentPort?.on("message", async ({ id, question }: { id: number; question: FoldQuestion }) => {
  try {
    parentPort?.postMessage({ id, value: await answer(question) });
  } catch (thrown) {
    const { kind, code, message, cause } = toFault(thrown);
    parentPort?.postMessage({
      id,
      error: { kind, code, message: cause ? `${message} (${String(cause)})` : message },
    });
  }
});
