import { printJson } from "@skep/text";
import type { JournalRecord } from "@skep/kernel";

/** Longest command or event data that a trace line shows, characters of its JSON. */
const most = 4096;

function shown(name: string, value: unknown): Record<string, unknown> {
  const text = JSON.stringify(value);
  return text.length > most ? { [`${name}_bytes`]: Buffer.byteLength(text) } : { [name]: value };
}

/** One line for a control that a ticket's holder sent, accepted or refused; nothing for what the system does. */
export function controlLine(record: JournalRecord): string {
  const { seq, time, subject, path, command, verdict, trace } = record;
  if (record.ticket.length === 0) return "";
  const { ok, code, message, count } = verdict;
  const line = {
    seq,
    time,
    subject,
    path,
    ...(command === null ? {} : shown("command", command)),
    verdict: ok ? "ok" : "refused",
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(count === undefined ? {} : { count }),
    ...(trace === undefined ? {} : { trace }),
  };
  return `${printJson(line)}\n`;
}

/** One line for each event of a record. */
export function eventLines({ seq, time, events }: JournalRecord): string {
  return events.map(({ t, d }) => `${printJson({ seq, time, event: t, ...shown("data", d) })}\n`).join("");
}
