import { toFault } from "@skep/fault";
import {
  ackOf,
  type Command,
  consoleLimits,
  LineFault,
  longEcho,
  parseCommand,
  printErr,
  printRefusal,
  verbOf,
} from "@skep/grammar";

/** Bytes of the longest line that begins like this one. */
export function longestLine(head: string): number {
  const { line, longTicket, role, path } = consoleLimits;
  if (/^attach[ \t]/i.test(head)) return longTicket + role + 8;
  const most = longEcho(head);
  return most === undefined ? line : most + path + 8;
}

/** What a line that is longer is answered with. Verbs that clients wait for without heeding ERR FRAME have their own. */
export function refuseLong(head: string): string {
  const verb = verbOf(/^[ \t]*([a-z]+)/i.exec(head)?.[1] ?? "");
  const own = verb === "LS" || verb === "CAT" || verb === "TAIL";
  return own
    ? printRefusal(verb, new LineFault(verb, "argument path exceeds allowed length"))
    : printErr({ verb: "FRAME", reason: "invalid-length" });
}

/** A line as its command, or the line that refuses it. */
export function readLine(text: string): Command | string {
  try {
    return parseCommand(text);
  } catch (thrown) {
    const verb = thrown instanceof LineFault && thrown.verb !== "PARSE" ? ackOf(thrown.verb) : "PARSE";
    return printRefusal(verb, toFault(thrown));
  }
}
