import { isUtf8 } from "node:buffer";
import { Fault, toFault } from "@skep/fault";
import { printRefusal } from "@skep/grammar";
import type { Answer } from "@skep/kernel";
import { problemOfAnswer } from "../problem.ts";

/** The one form of all answers below `/v1/fs`. A refusal of the target is an answer too: HTTP 200 with ERR. */
export interface Reply {
  readonly status: "OK" | "ERR";
  readonly verb: string;
  readonly path: string;
  /** False where the file has more than was asked for. */
  readonly end: boolean;
  readonly lines: readonly string[];
  readonly bytes: number;
  /** `reason=… detail=… path=… error=…`, as the console says it. */
  readonly error?: string;
  /** The refusal in words. */
  readonly why?: string;
  readonly code?: string;
  readonly next?: string;
  readonly id?: number;
  readonly result?: unknown;
}

/** Bytes of binary content in one `b64:` line. */
const binaryLine = 186;

/** Content as lines: text by its newlines, what is no text as `b64:` lines. */
export function linesOf(bytes: Buffer): string[] {
  if (!isUtf8(bytes) || bytes.includes(0)) {
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += binaryLine)
      lines.push(`b64:${bytes.toString("base64", at, at + binaryLine)}`);
    return lines;
  }
  const lines = bytes.toString("utf8").split("\n");
  if (lines.at(-1) === "") lines.pop();
  return lines;
}

/** What was thrown, as an answer. */
export function errReply(verb: string, path: string, thrown: unknown): Reply {
  const fault: Fault = toFault(thrown);
  const line = printRefusal(verb, fault, path);
  return {
    status: "ERR",
    verb,
    path,
    end: true,
    lines: [],
    bytes: 0,
    error: line.slice(`ERR ${verb} `.length),
    why: fault.message,
    code: fault.code,
    ...(fault.cure !== undefined && { next: fault.cure }),
  };
}

/** The answer to an appended line. */
export function echoReply(path: string, bytes: number, answer: Answer): Reply {
  const base = { verb: "ECHO", path, end: true, lines: [] };
  if (answer.verdict === "ok")
    return {
      status: "OK",
      ...base,
      bytes,
      ...(answer.id !== undefined && { id: answer.id }),
      ...(answer.result !== undefined && { result: answer.result }),
    };
  const { kind, detail, code, next } = problemOfAnswer(answer);
  return errReply("ECHO", path, new Fault(kind, code, detail, next === undefined ? {} : { cure: next }));
}
