import { printJson } from "@skep/text";
import type { JournalRecord } from "@skep/kernel";

/** Longest payload that a line shows, characters; the record itself has all of it. */
const most = 4096;

function kindOf(path: string): string {
  if (path === "/queen/ctl") return "queen-ctl";
  return path.startsWith("/host/") ? "host-control" : "control";
}

function payloadOf({ command }: JournalRecord): string {
  if (command === null) return "";
  const text = typeof command === "string" ? command : JSON.stringify(command);
  return text.length > most ? `${text.slice(0, most)}…` : text;
}

function errorOf({ verdict }: JournalRecord): object {
  if (verdict.ok) return {};
  const { code = "", message = "", count = 1 } = verdict;
  return { error: { code, message }, ...(count > 1 ? { count } : {}) };
}

// The system's own records have no ticket and are no control.
function isControl({ ticket }: JournalRecord): boolean {
  return ticket.length > 0;
}

/** The original's form of one control; the ticket is told by its block id, never by itself. */
export function journalLine(record: JournalRecord): string {
  if (!isControl(record)) return "";
  const { seq, path, verdict, role = "", ticket } = record;
  const line = {
    seq,
    kind: kindOf(path),
    path,
    payload: payloadOf(record),
    outcome: verdict.ok ? "ok" : "err",
    ...errorOf(record),
    role,
    ticket: ticket.at(-1) ?? "",
  };
  return `${printJson(line)}\n`;
}

/** What was decided about one control, by which policy. */
export function decisionLine(record: JournalRecord): string {
  if (!isControl(record)) return "";
  const { seq, time, subject, path, verdict, policy, ticket } = record;
  const { ok, kind, code, count } = verdict;
  const line = {
    seq,
    time,
    decision: ok ? "allow" : kind === "waiting" ? "wait" : "deny",
    subject,
    path,
    policy,
    ...(code === undefined ? {} : { code }),
    ...(count === undefined ? {} : { count }),
    ticket: ticket.at(-1) ?? "",
  };
  return `${printJson(line)}\n`;
}
