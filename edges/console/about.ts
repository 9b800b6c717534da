import { consoleLimits, encodeFrame, FrameReader, verbs } from "@skep/grammar";
import { formatTime } from "@skep/text";

/** What this console has seen since it started. */
export interface Counters {
  open: number;
  accepted: number;
  refused: number;
  authFailures: number;
  attaches: number;
  attachFailures: number;
  commands: number;
  refusals: number;
  framesIn: number;
  framesOut: number;
  bytesIn: number;
  bytesOut: number;
}

/** Counters at zero. */
export function createCounters(): Counters {
  return {
    open: 0,
    accepted: 0,
    refused: 0,
    authFailures: 0,
    attaches: 0,
    attachFailures: 0,
    commands: 0,
    refusals: 0,
    framesIn: 0,
    framesOut: 0,
    bytesIn: 0,
    bytesOut: 0,
  };
}

/** What the app knows about the program, for BI and MEM. */
export interface About {
  readonly name: string;
  readonly version: string;
  /** Wall clock at start, milliseconds since 1970. */
  readonly startedAt: number;
  /** Bytes held now. */
  memory(): { readonly resident: number; readonly heap: number; readonly buffers: number };
}

/** HELP: every verb with what it does. */
export function helpLines(): string[] {
  const rows = Object.values(verbs);
  const width = Math.max(...rows.map(({ usage }) => usage.length));
  return rows.map(({ usage, doc }) => `${usage.padEnd(width)}  ${doc}`);
}

/** BI: what runs here, and since when. */
export function bootLines(about: About, uptimeMs: number): string[] {
  return [
    `boot program=${about.name} version=${about.version}`,
    `boot started=${formatTime(about.startedAt)} uptime_ms=${Math.floor(uptimeMs)}`,
  ];
}

/** CAPS: what this console takes, and who is attached. */
export function capsLines(role: string | undefined, limited: boolean): string[] {
  const { line, path, payload, spawn, ticket, worker } = consoleLimits;
  return [
    `caps role=${role ?? "none"} ticket_limits=${limited ? "yes" : "no"}`,
    `caps line=${line} path=${path} echo=${payload} spawn=${spawn} ticket=${ticket} worker=${worker}`,
    `caps verbs=${Object.keys(verbs).length} tickets=mac,biscuit`,
  ];
}

/** MEM: bytes held by the program. */
export function memoryLines(about: About): string[] {
  const { resident, heap, buffers } = about.memory();
  return [`mem resident_bytes=${resident}`, `mem heap_bytes=${heap}`, `mem buffer_bytes=${buffers}`];
}

/** NETSTATS: the counters. */
export function netLines(counters: Counters): string[] {
  const c = counters;
  return [
    `net connections open=${c.open} accepted=${c.accepted} refused=${c.refused}`,
    `net auth failures=${c.authFailures} attaches=${c.attaches} attach_failures=${c.attachFailures}`,
    `net commands=${c.commands} refusals=${c.refusals}`,
    `net frames in=${c.framesIn} out=${c.framesOut}`,
    `net bytes in=${c.bytesIn} out=${c.bytesOut}`,
  ];
}

/** NETTEST: frames of every size up to the limit through encoder and reader, a byte at a time; how many came back. */
export function testFrames(): { readonly sent: number; readonly back: number } {
  const reader = new FrameReader(consoleLimits.line);
  let back = 0;
  for (let size = 0; size <= consoleLimits.line; size++) {
    const text = "x".repeat(size);
    for (const byte of encodeFrame(text))
      for (const event of reader.push(Uint8Array.of(byte)))
        if (event.kind === "line" && event.text === text) back++;
  }
  return { sent: consoleLimits.line + 1, back };
}
