import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { canonical } from "@skep/canon";
import { faults } from "@skep/fault";
import { openCheckpoint, proveInclusion, type TileReader, type Trust } from "@skep/tlog";
import { z } from "zod";
import { claimedSize, type LogSource } from "./source.ts";
import { checkInclusion, checkRecord, type Verdict, verifyLog } from "./verify.ts";

const fault = faults("export", {
  read: ["corrupt", "Cannot read exported log"],
  newer: ["unsupported", "Cannot read exported log of a newer form", { cure: "Use a newer skep" }],
  cut: ["corrupt", "Cannot verify the exported log: it ends before its last record"],
});

const Head = z.strictObject({
  skep: z.literal("log"),
  version: z.int(),
  checkpoint: z.string(),
  from: z.int().min(0),
  to: z.int().min(0),
});
const Line = z.strictObject({
  record: z.looseObject({ seq: z.int() }),
  proof: z.array(z.string()).optional(),
});

/** First line of an exported log. */
export type ExportHead = z.infer<typeof Head>;

// A read tile serves the proofs of all its neighbours.
function remembering(read: TileReader): TileReader {
  const known = new Map<string, Uint8Array | PromiseLike<Uint8Array>>();
  return (level, index, width) => {
    const name = `${level}/${index}`;
    const found = known.get(name) ?? read(level, index, width);
    if (known.size > 256) known.clear();
    known.set(name, found);
    return found;
  };
}

/**
 * The lines of an exported log: a head with the signed checkpoint, then one line for each record. The whole log
 * proves itself by its root; of a part every record carries its proof.
 */
export async function* exportLines(source: LogSource, from: number, to: number): AsyncGenerator<string> {
  const { checkpoint, size } = source;
  yield JSON.stringify({ skep: "log", version: 1, checkpoint, from, to } satisfies ExportHead);
  const whole = from === 0 && to === size;
  const tile = remembering(source.tile);
  let seq = from;
  for await (const bytes of source.entries(from, to)) {
    const record = JSON.parse(Buffer.from(bytes).toString()) as unknown;
    const hashes = whole ? undefined : await proveInclusion(seq, size, tile);
    const proof = hashes?.map((hash) => Buffer.from(hash).toString("base64"));
    yield JSON.stringify(proof === undefined ? { record } : { record, proof });
    seq += 1;
  }
}

function parseLine<T>(schema: z.ZodType<T>, text: string, at: string): T {
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    throw fault.read(at, { cause });
  }
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const stream = createReadStream(file);
  try {
    yield* createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY });
  } finally {
    stream.destroy();
  }
}

/** Head of an exported log. Throws `export.read`, `.newer`. */
export async function readHead(file: string): Promise<ExportHead> {
  for await (const text of linesOf(file)) {
    const head = parseLine(Head, text, file);
    if (head.version !== 1) throw fault.newer(head.version);
    return head;
  }
  throw fault.read(file);
}

interface ExportedEntry {
  readonly bytes: Uint8Array;
  readonly proof: readonly Uint8Array[] | undefined;
}

async function* entriesOf(file: string): AsyncGenerator<ExportedEntry> {
  let at = 0;
  for await (const text of linesOf(file)) {
    at += 1;
    if (at === 1) continue;
    const { record, proof } = parseLine(Line, text, `${file} line ${at}`);
    const hashes = proof?.map((hash) => Buffer.from(hash, "base64"));
    yield { bytes: Buffer.from(canonical(record as never)), proof: hashes };
  }
}

/** The records of an exported log, where it has all from the first. */
export async function exportLog(file: string): Promise<LogSource> {
  const head = await readHead(file);
  async function* entries(from: number, to: number): AsyncGenerator<Uint8Array> {
    let at = head.from;
    for await (const { bytes } of entriesOf(file)) {
      if (at >= to) return;
      if (at >= from) yield bytes;
      at += 1;
    }
  }
  return {
    name: file,
    checkpoint: head.checkpoint,
    cosigned: "",
    size: claimedSize(head.checkpoint),
    entries,
    tile: () => {
      throw fault.read(`${file}: proofs come from the hive`);
    },
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** Verifies an exported log offline. Throws `export.*`, `audit.*`, `tlog.*` with what does not hold. */
export async function verifyExport(
  file: string,
  trust: Trust,
  options: { readonly since?: string | undefined; readonly step?: (records: number) => void } = {},
): Promise<Verdict & { readonly from: number; readonly to: number }> {
  const { from, to, checkpoint: note } = await readHead(file);
  const { checkpoint } = openCheckpoint(note, trust);
  if (from === 0 && to === checkpoint.size)
    return { ...(await verifyLog(await exportLog(file), trust, options)), from, to };
  let seq = from;
  for await (const { bytes, proof } of entriesOf(file)) {
    checkRecord(bytes, seq);
    checkInclusion(bytes, seq, proof ?? [], checkpoint);
    seq += 1;
    options.step?.(seq - from);
  }
  if (seq !== to) throw fault.cut(`${seq - from} of ${to - from} records`);
  const { origin, size, root } = checkpoint;
  return { origin, size, root: Buffer.from(root).toString("hex"), from, to };
}
