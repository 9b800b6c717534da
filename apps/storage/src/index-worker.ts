import { parentPort, workerData } from "node:worker_threads";
import type { Answer, IndexThread, Question } from "./index-client.ts";
import { IndexTable } from "./index-table.ts";

const { path, touchKind } = workerData as IndexThread;
const table = new IndexTable(path, touchKind);

// SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes.
function isDamage(error: unknown): boolean {
  const code = ((error as { errcode?: number }).errcode ?? 0) % 256;
  return code === 11 || code === 26;
}

// After a failure nothing is answered: an entry that was not taken in must not look absent.
let failed: unknown;
let open = true;
function answer(question: Question): Answer {
  if (question.op === "close") {
    if (open) table.close();
    open = false;
    return { value: undefined };
  }
  try {
    if (failed !== undefined) throw failed;
    if (question.op === "add") {
      table.add(question.entries, question.upTo);
      return { value: question.upTo };
    }
    if (question.op === "find") return { value: table.find(question.kind, question.key) };
    if (question.op === "page") return { value: table.page(question.kind, question.below, question.count) };
    if (question.op === "touched")
      return { value: table.touched(question.path, question.below, question.count) };
    return { value: table.count(question.kind) };
  } catch (error) {
    failed ??= error;
    if (open && isDamage(error)) {
      table.discard();
      open = false;
    }
    return { error: String(error) };
  }
}

// Questions are answered one by one in their order, so answers need no number.
parentPort?.on("message", (question: Question) => {
  parentPort?.postMessage(answer(question));
  if (question.op === "close") parentPort?.close();
});
parentPort?.postMessage({ value: table.upTo } satisfies Answer);
