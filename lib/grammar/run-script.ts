import { type Clock, delay } from "@skep/clock";
import { clientLine } from "./client-line.ts";
import { parseReply } from "./reply.ts";
import type { Statement } from "./script.ts";

/** What a script runs against. */
export interface ScriptTransport {
  /** Sends one console line and gives every line of its answer, `END` included. After QUIT it connects anew. */
  send(line: string): Promise<readonly string[]>;
  /** What the client does by itself, such as `pool bench`, with the lines that tell of it; undefined for what it sends. */
  own?(text: string): Promise<readonly string[]> | undefined;
  readonly clock: Clock;
}

/** How a script ended; where it failed, the line and why. */
export type ScriptResult =
  | { readonly pass: true; readonly transcript: readonly string[] }
  | {
      readonly pass: false;
      readonly line: number;
      readonly why: string;
      readonly transcript: readonly string[];
    };

/** The newest acknowledgement, or the newest line of output where there is none. */
function lastResponse(lines: readonly string[]): string {
  const isAck = (line: string) => ["OK", "ERR"].includes(parseReply(line).status);
  return lines.findLast(isAck) ?? lines.findLast((line) => line !== "END") ?? "";
}

function unmet(statement: Statement & { kind: "expect" }, response: string): string | undefined {
  const { what, text } = statement;
  const good =
    what === "SUBSTR"
      ? response.includes(text)
      : what === "NOT"
        ? !response.includes(text)
        : response === text || response.startsWith(`${text} `);
  return good
    ? undefined
    : `expected ${what === text ? what : `${what} ${text}`}, the response was "${response}"`;
}

async function perform(text: string, transport: ScriptTransport, transcript: string[]): Promise<string> {
  const own = transport.own?.(text);
  if (own) {
    transcript.push(`> ${text}`);
    const told = await own;
    for (const each of told) transcript.push(`< ${each}`);
    return lastResponse(told);
  }
  const line = clientLine(text);
  transcript.push(`> ${line}`);
  const lines = await transport.send(line);
  for (const each of lines) transcript.push(`< ${each}`);
  if (!/^detach$/i.test(text)) return lastResponse(lines);
  transcript.push("< OK DETACH");
  return "OK DETACH";
}

interface Run {
  readonly transport: ScriptTransport;
  readonly transcript: string[];
  response: string;
}

/** Does one statement; gives what went wrong. */
async function step(run: Run, statement: Statement, checked: boolean): Promise<string | undefined> {
  if (statement.kind === "expect") return unmet(statement, run.response);
  if (statement.kind === "wait") {
    await delay(run.transport.clock, statement.ms);
    return undefined;
  }
  try {
    run.response = await perform(statement.text, run.transport, run.transcript);
  } catch (thrown) {
    return thrown instanceof Error ? thrown.message : String(thrown);
  }
  return run.response.startsWith("ERR") && !checked ? `refused: ${run.response}` : undefined;
}

/**
 * Runs a parsed script. A refused command ends it unless the next statement is an EXPECT; `quit` ends it well, after
 * the EXPECTs that follow it. Failures of the transport are results, too, with the line at which they came.
 */
export async function runScript(
  script: readonly Statement[],
  transport: ScriptTransport,
): Promise<ScriptResult> {
  const run: Run = { transport, transcript: [], response: "" };
  let quitting = false;
  for (const [at, statement] of script.entries()) {
    if (quitting && statement.kind !== "expect") break;
    const why = await step(run, statement, script[at + 1]?.kind === "expect");
    if (why !== undefined) return { pass: false, line: statement.line, why, transcript: run.transcript };
    quitting = statement.kind === "command" ? /^quit$/i.test(statement.text) : quitting;
  }
  return { pass: true, transcript: run.transcript };
}
