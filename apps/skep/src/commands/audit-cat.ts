import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import type { JournalRecord } from "@skep/kernel";
import { formatCount } from "@skep/text";
import { targetOf } from "../client/connect.ts";
import { keyFlag, logFlags, openLog, rangeOf } from "./audit-source.ts";

const rangeFlags = {
  from: { kind: "integer", least: 0, value: "SEQ", doc: "From this record on; default the first" },
  to: { kind: "integer", least: 0, value: "SEQ", doc: "Up to and with this record; default the last" },
} as const;

interface Filter {
  readonly subject: string | undefined;
  readonly path: string | undefined;
  readonly event: string | undefined;
  readonly refused: boolean;
}

function matches(record: JournalRecord, { subject, path, event, refused }: Filter): boolean {
  if (subject !== undefined && record.subject !== subject) return false;
  if (path !== undefined && record.path !== path && !record.path.startsWith(`${path.replace(/\/$/, "")}/`))
    return false;
  if (event !== undefined && !record.events.some(({ t }) => t === event || t.startsWith(`${event}@`)))
    return false;
  return !refused || !record.verdict.ok;
}

async function logOf(context: Context, file: string | undefined, offline: boolean) {
  if (file === undefined) return openLog(context, offline);
  const { exportLog } = await import("../proof/export.ts");
  const source = await exportLog(file);
  return { source, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

/** `skep audit cat`. */
export const auditCat: Command = command({
  name: "audit cat",
  group: "proof",
  summary: "Print records of the log, one JSON object per line",
  doc: "The bytes are those that were hashed; every filter that is given must match.",
  examples: [
    { run: "skep audit cat --from 100 --to 110", doc: "Eleven records" },
    { run: "skep audit cat --subject ann --refused", doc: "What was refused to ann" },
  ],
  args: [{ name: "file", kind: "file", doc: "An exported log; default: the hive's own", optional: true }],
  flags: {
    ...logFlags,
    ...rangeFlags,
    subject: { kind: "string", doc: "Only what this subject did" },
    path: { kind: "path", doc: "Only what was written to this path or below it" },
    event: { kind: "string", value: "TYPE", doc: "Only records with such an event, as queen:spawned" },
    refused: { kind: "boolean", doc: "Only refusals" },
  },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    await using log = await logOf(context, args.file, flags.offline);
    const { subject, path, event, refused } = flags;
    const [from, to] = rangeOf(log.source.size, flags.from, flags.to);
    for await (const bytes of log.source.entries(from, to)) {
      signal.throwIfAborted();
      const text = Buffer.from(bytes).toString();
      if (matches(JSON.parse(text) as JournalRecord, { subject, path, event, refused }))
        await out.data(`${text}\n`);
    }
  },
});

async function writeLines(file: string, lines: AsyncIterable<string>, step: () => void): Promise<void> {
  const stream = createWriteStream(file, { flags: "wx", mode: 0o600 });
  await once(stream, "open");
  try {
    for await (const line of lines) {
      step();
      if (!stream.write(`${line}\n`)) await once(stream, "drain");
    }
  } finally {
    stream.end();
    await once(stream, "close");
  }
}

/** `skep audit export`. */
export const auditExport: Command = command({
  name: "audit export",
  group: "proof",
  summary: "Write a part of the log, or all of it, to a file that proves itself",
  doc: "The file has the signed checkpoint, the records, and for a part of the log the proof of each. `skep audit verify FILE --key …` checks it anywhere, without the hive.",
  examples: [
    { run: "skep audit export log.jsonl", doc: "All of it" },
    { run: "skep audit export case.jsonl --from 100 --to 110", doc: "Eleven records with their proofs" },
  ],
  args: [{ name: "file", kind: "file", doc: "The file; must not be there; - is stdout" }],
  flags: { ...logFlags, ...rangeFlags },
  run: async (context) => {
    const { args, flags, out } = context;
    await using log = await openLog(context, flags.offline);
    const [from, to] = rangeOf(log.source.size, flags.from, flags.to);
    const { exportLines } = await import("../proof/export.ts");
    const lines = exportLines(log.source, from, to);
    if (args.file === "-") {
      for await (const line of lines) await out.data(`${line}\n`);
      return undefined;
    }
    using bar = out.progress({ label: "Exporting", total: to - from, unit: "records" });
    await writeLines(args.file, lines, () => bar.add(1));
    if (out.wantsJson) return out.json({ file: args.file, from, to, size: log.source.size });
    return out.line(toned("good", "exported "), `${formatCount(to - from)} records to ${args.file}`);
  },
});

/** `skep audit proof`. */
export const auditProof: Command = command({
  name: "audit proof",
  group: "proof",
  summary: "Print the proof that a record is in the log",
  doc: "A C2SP tlog-proof, verified before it is printed.",
  examples: [{ run: "skep audit proof 107 > 107.tlog-proof", doc: "For any tool that reads them" }],
  args: [{ name: "seq", kind: "integer", least: 0, doc: "Sequence of the record" }],
  flags: { ...logFlags, ...keyFlag },
  run: async (context) => {
    const { args, flags, out } = context;
    await using log = await openLog(context, flags.offline);
    const { source } = log;
    const [from, to] = rangeOf(source.size, args.seq, args.seq);
    const [{ trustFor }, tlog] = await Promise.all([import("../proof/trust.ts"), import("@skep/tlog")]);
    const hashes = await tlog.proveInclusion(from, source.size, source.tile);
    const { checkpoint } = source;
    const proof = tlog.printTlogProof({ index: from, hashes, checkpoint });
    for await (const bytes of source.entries(from, to))
      tlog.verifyTlogProof(proof, tlog.leafHash(bytes), trustFor(flags.key, targetOf(context).home));
    if (out.wantsJson) return out.json({ seq: from, proof });
    return out.data(proof);
  },
});
