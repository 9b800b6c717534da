import { parentPort, workerData } from "node:worker_threads";
import { IndexTable } from "./index-table.ts";
import type { Answer, Question } from "./index-client.ts";

const table = new IndexTable(String(workerData));

// SQLITE_CORRUPT and SQLITE_NOTADB, with their extended codes.
function isDamage(error: unknown): boolean {
  const code = ((error as { errcode?: number }).errcode ?? 0) % 256;
  return code === 11 || code === 26;
}

let gone = false;
function answer(question: Question): Answer {
  if (question.op === "close") {
    if (!gone) table.close();
    gone = true;
    return { value: undefined };
  }
  if (gone) return { error: "the database was damaged" };
  try {
    if (question.op === "add") {
      table.add(question.entries, question.upTo);
      return { value: question.upTo };
    }
    if (question.op === "find") return { value: table.find(question.kind, question.key) };
    if (question.op === "page") return { value: table.page(question.kind, question.below, question.count) };
    return { value: table.count(question.kind) };
  } catch (error) {
    if (isDamage(error)) {
      table.discard();
      gone = true;
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
