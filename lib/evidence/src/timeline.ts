import { formatTime } from "@skep/text";
import { actOf, type EvidenceRecord } from "./record.ts";

/** One line of a timeline. */
export interface Moment {
  readonly seq: number;
  readonly time: string;
  readonly subject: string;
  readonly act: string;
  readonly path: string;
  readonly verdict: string;
  readonly policy: string;
  readonly events: readonly string[];
}

/** A record as a line of a timeline. */
export function momentOf(record: EvidenceRecord): Moment {
  const { seq, time, subject, path, policy, verdict, events } = record;
  const { ok, kind, code = "", count = 1 } = verdict;
  const refused = `${kind === "waiting" ? "waiting" : "refused"} ${code}${count > 1 ? ` ${count} times` : ""}`;
  const types = [...new Set(events.map(({ t }) => t))];
  const at = formatTime(time);
  return {
    seq,
    time: at,
    subject,
    act: actOf(record),
    path,
    verdict: ok ? "accepted" : refused,
    policy,
    events: types,
  };
}

/** One JSON object per line, for log collectors. */
export function timelineNdjson(records: Iterable<EvidenceRecord>): string {
  return [...records].map((record) => `${JSON.stringify(momentOf(record))}\n`).join("");
}

// Nothing that came from outside may be Markdown, HTML or a control character.
function cell(text: string): string {
  return text
    .replace(/[^\x20-\x7e]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
    .replace(/[\\|`*_{}[\]<>&#~!]/g, "\\$&");
}

/** A table for people. */
export function timelineMarkdown(records: Iterable<EvidenceRecord>): string {
  const rows = [...records].map((record) => {
    const { seq, subject, act, path, verdict, policy } = momentOf(record);
    return `| ${[String(seq), formatTime(record.time), ...[subject, act, path, verdict, policy].map(cell)].join(" | ")} |\n`;
  });
  return `| record | time | who | act | where | verdict | policy |\n|---:|---|---|---|---|---|---|\n${rows.join("")}`;
}
