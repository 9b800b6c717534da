import type { Facts } from "./hive.ts";

/** One event of a record. */
export interface RecordedEvent {
  readonly type: string;
  readonly data: Facts;
}

/** A record of a hive, as far as the page shows it again. */
export interface Recorded {
  readonly seq: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  readonly subject: string;
  readonly path: string;
  readonly verdict: string;
  readonly code: string;
  readonly message: string;
  readonly count: number;
  readonly command: unknown;
  readonly events: readonly RecordedEvent[];
}

const blank = { subject: "", path: "", verdict: "", code: "", message: "", count: 1, command: undefined };
const block = 512;

function tarText(bytes: Uint8Array, from: number, most: number): string {
  const end = bytes.indexOf(0, from);
  return new TextDecoder().decode(bytes.subarray(from, end < 0 || end > from + most ? from + most : end));
}

/** A file out of a tar archive; undefined where it is no archive, or has no such file. */
export function fileOfTar(bytes: Uint8Array, wanted: string): Uint8Array | undefined {
  if (tarText(bytes, 257, 5) !== "ustar") return undefined;
  for (let at = 0; at + block <= bytes.length; ) {
    const name = tarText(bytes, at, 100);
    if (name === "") return undefined;
    const size = Number.parseInt(tarText(bytes, at + 124, 12).trim() || "0", 8);
    if (name === wanted || name.endsWith(`/${wanted}`)) return bytes.subarray(at + block, at + block + size);
    at += block * (1 + Math.ceil(size / block));
  }
  return undefined;
}

const isFacts = (value: unknown): value is Facts => typeof value === "object" && value !== null;
const textOf = (value: unknown): string => (typeof value === "string" ? value : "");

/** A record of the journal, as `skep audit cat` and evidence packs have it. */
function ofJournal(line: Facts, at: { readonly seq: number; readonly time: number }): Recorded {
  const verdict: Facts = isFacts(line.verdict) ? line.verdict : {};
  const events = (line.events as readonly unknown[]).filter(isFacts);
  return {
    ...blank,
    ...at,
    subject: textOf(line.subject),
    path: textOf(line.path),
    command: line.command,
    verdict: verdict.ok === true ? "ok" : "refused",
    code: textOf(verdict.code),
    message: textOf(verdict.message),
    count: Number(verdict.count ?? 1),
    events: events.map(({ t, d }) => ({ type: textOf(t), data: isFacts(d) ? d : {} })),
  };
}

/** A line of `/trace/events` or of `/trace/ctl`. */
function ofTrace(line: Facts, at: { readonly seq: number; readonly time: number }): Recorded | undefined {
  if (typeof line.event === "string")
    return { ...blank, ...at, events: [{ type: line.event, data: isFacts(line.data) ? line.data : {} }] };
  if (typeof line.verdict !== "string") return undefined;
  return {
    ...at,
    subject: textOf(line.subject),
    path: textOf(line.path),
    command: line.command,
    verdict: line.verdict,
    code: textOf(line.code),
    message: textOf(line.message),
    count: Number(line.count ?? 1),
    events: [],
  };
}

function recordOf(text: string): Recorded | undefined {
  let line: unknown;
  try {
    line = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!isFacts(line) || typeof line.seq !== "number") return undefined;
  const at = { seq: line.seq, time: Number(line.time ?? 0) };
  return Array.isArray(line.events) ? ofJournal(line, at) : ofTrace(line, at);
}

// Both traces tell of one record: who asked, and what came of it.
function joined(one: Recorded, other: Recorded): Recorded {
  const [named, bare] = one.verdict === "" ? [other, one] : [one, other];
  return { ...named, time: named.time || bare.time, events: [...one.events, ...other.events] };
}

/**
 * Reads what a hive did out of a file: an evidence pack as one tar file, its `journal.ndjson`, records of
 * `skep audit cat --json`, or saved lines of `/trace/events` and `/trace/ctl`. Oldest first.
 * Throws an Error where nothing in it is a record.
 */
export function readRecording(bytes: Uint8Array): readonly Recorded[] {
  const text = new TextDecoder().decode(fileOfTar(bytes, "journal.ndjson") ?? bytes);
  const found = new Map<number, Recorded>();
  for (const line of text.split("\n")) {
    const record = recordOf(line);
    if (!record) continue;
    const before = found.get(record.seq);
    found.set(record.seq, before ? joined(before, record) : record);
  }
  if (found.size === 0) throw new Error("Cannot read the recording: no line of it is a record of a hive");
  return [...found.values()].sort((a, b) => a.seq - b.seq);
}
