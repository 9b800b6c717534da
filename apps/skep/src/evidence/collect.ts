import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { formsOf, type Pack, pack, type PackInput } from "@skep/evidence";
import { faults } from "@skep/fault";
import type { JournalRecord } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { createSigner, proveInclusion } from "@skep/tlog";
import { hiveKeys } from "../hive/keys.ts";
import type { LogSource } from "../proof/source.ts";
import { logKeyText } from "../proof/trust.ts";
import { version } from "../version.ts";
import { textsOf } from "./texts.ts";

const fault = faults("evidence-range", {
  range: ["absent", "Cannot pack: the log has not so many records"],
  wide: ["oversize", "Cannot pack so many records", { cure: "Give a smaller range, or a larger --most" }],
});

/** Which part of a log is packed. */
export interface PackRange {
  readonly from?: number | undefined;
  /** Inclusive. */
  readonly to?: number | undefined;
  /** Most records. */
  readonly most: number;
}

/** Every secret of a home, in each form in which it could be written: for the scanner only. */
export function homeSecrets(home: string): readonly string[] {
  const secrets: string[] = [];
  const take = (path: string): void => {
    if (!existsSync(path)) return;
    if (statSync(path).isDirectory()) for (const name of readdirSync(path)) take(join(path, name));
    else if (!isPublic(path)) secrets.push(...formsOf(readFileSync(path)));
  };
  for (const name of ["keys", "secrets", "owner.ticket", "ui.sessions", "witness/key", "tls"])
    take(join(home, name));
  return secrets;
}

// The hive's name, the origin of its log, public halves of old keys and certificates are no secrets.
const isPublic = (path: string): boolean => /\/keys\/(hive|origin)$|\/keys\/old\/|cert/.test(path);

function rangeOf(
  { from, to, most }: PackRange,
  size: number,
): { readonly from: number; readonly to: number } {
  const end = (to ?? size - 1) + 1;
  const begin = from ?? Math.max(0, end - most);
  if (end > size || begin < 0 || begin > end) throw fault.range(`${begin} to ${end - 1} of ${size}`);
  if (end - begin > most) throw fault.wide(`${end - begin} of at most ${most}`);
  return { from: begin, to: end };
}

async function provenOf(source: LogSource, from: number, to: number): Promise<PackInput["records"]> {
  const known = new Map<string, Uint8Array | PromiseLike<Uint8Array>>();
  const tile = (level: number, index: number, width: number) => {
    const name = `${level}/${index}`;
    const found = known.get(name) ?? source.tile(level, index, width);
    known.set(name, found);
    return found;
  };
  const records: { seq: number; bytes: Uint8Array; proof: readonly Uint8Array[] }[] = [];
  let seq = from;
  for await (const bytes of source.entries(from, to)) {
    records.push({ seq, bytes, proof: await proveInclusion(seq, source.size, tile) });
    seq += 1;
  }
  return records;
}

async function newestOf(source: LogSource): Promise<JournalRecord | undefined> {
  for await (const bytes of source.entries(source.size - 1, source.size))
    return JSON.parse(Buffer.from(bytes).toString()) as JournalRecord;
  return undefined;
}

/** Packs a part of a hive's log with what its files tell; `client` is absent where the hive is down. */
export async function collect(
  home: string,
  source: LogSource,
  client: Client | undefined,
  wanted: PackRange,
  signal: AbortSignal,
): Promise<Pack> {
  const { from, to } = rangeOf(wanted, source.size);
  const keys = hiveKeys(home);
  const newest = await newestOf(source);
  return pack({
    about: {
      hive: keys.hive,
      origin: keys.origin,
      key: logKeyText(home),
      from,
      to,
      size: source.size,
      time: newest?.time ?? 0,
      policy: newest?.policy ?? "none",
      program: `skep ${version}`,
    },
    checkpoint: source.checkpoint,
    cosigned: source.cosigned,
    records: await provenOf(source, from, to),
    texts: await textsOf(home, client, signal),
    secrets: homeSecrets(home),
    signer: createSigner(keys.origin, keys.log.key),
  });
}
