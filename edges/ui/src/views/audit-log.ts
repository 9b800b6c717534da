import type { HttpClient } from "@skep/http-client";
import { base64Of, isSigned, same } from "../proof/bytes.ts";
import {
  type Checkpoint,
  entriesOf,
  isGrownFrom,
  leafHash,
  parseCheckpoint,
  parseLogKey,
  rootOfPath,
  tilePath,
  tileWidthAt,
  Tree,
} from "../proof/merkle.ts";
import { ofBase64 } from "../proof/bytes.ts";

/** One thing that was looked at; undefined where it could not be. */
export interface LogCheck {
  readonly what: string;
  readonly ok: boolean | undefined;
  readonly why: string;
}

/** The log as this browser sees it. */
export interface LogSeen {
  readonly size: number;
  readonly origin: string;
  readonly root: string;
  readonly checks: readonly LogCheck[];
}

async function fetched(api: HttpClient, target: string): Promise<Uint8Array> {
  return new Uint8Array(await (await api.request("GET", target)).arrayBuffer());
}

async function checkpointOf(api: HttpClient): Promise<Checkpoint> {
  const found = parseCheckpoint(await (await api.request("GET", "/checkpoint")).text());
  if (!found) throw new Error("Cannot read the checkpoint: it is no signed note");
  return found;
}

function treeOf(api: HttpClient, size: number): Tree {
  return new Tree(size, (level, index, width) => fetched(api, `/${tilePath(level, index, width)}`));
}

interface Kept {
  readonly size: number;
  readonly root: string;
}

// What this browser saw first is what it holds the log to: a log that is forked or cut is noticed.
function remembered(origin: string): Kept | undefined {
  try {
    return JSON.parse(localStorage.getItem(`log:${origin}`) ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

function remember(origin: string, kept: Kept): void {
  try {
    localStorage.setItem(`log:${origin}`, JSON.stringify(kept));
  } catch {
    // A browser that keeps nothing begins anew each time.
  }
}

async function signatureCheck({ text, signatures }: Checkpoint, key: string): Promise<LogCheck> {
  const what = "signature";
  if (key === "") return { what, ok: undefined, why: "give the key of the log below, and it is checked" };
  const known = await parseLogKey(key);
  if (!known) return { what, ok: false, why: "what was given is no key of a log" };
  const own = signatures.find(({ id }) => id === known.id);
  if (!own) return { what, ok: false, why: "the checkpoint is not signed by that key" };
  const ok = await isSigned(known.key, text, own.bytes);
  return { what, ok, why: ok ? `Ed25519 by key ${known.id}` : "the signature does not hold" };
}

/** Checks the newest checkpoint: its root out of its tiles, its signature, and that it begins with what was seen. */
export async function auditOf(api: HttpClient, key: string): Promise<LogSeen> {
  const checkpoint = await checkpointOf(api);
  const { size, origin, root } = checkpoint;
  const tree = treeOf(api, size);
  const isRoot = same(await tree.root(), root);
  const before = remembered(origin);
  const older = before && ofBase64(before.root);
  const isGrown =
    before && older ? before.size <= size && (await isGrownFrom(tree, before.size, older)) : undefined;
  if (isRoot && isGrown !== false) remember(origin, { size, root: base64Of(root) });
  return {
    size,
    origin,
    root: base64Of(root),
    checks: [
      {
        what: "root",
        ok: isRoot,
        why: isRoot ? "the tiles hash to the root of the checkpoint" : "the tiles hash to another root",
      },
      {
        what: "consistency",
        ok: isGrown,
        why: !before
          ? "this is the first checkpoint that this browser sees; it is remembered"
          : isGrown
            ? `it begins with the ${before.size} records that this browser saw before`
            : `it does not begin with the ${before.size} records that this browser saw before`,
      },
      await signatureCheck(checkpoint, key),
    ],
  };
}

/** A record with its proof. */
export interface Proven {
  readonly text: string;
  readonly record: Readonly<Record<string, unknown>>;
  readonly checks: readonly LogCheck[];
}

const bundle = 256;

/** Reads a record out of the log and proves here that it is in it. */
export async function proveRecord(api: HttpClient, seq: number): Promise<Proven> {
  const { size, root } = await checkpointOf(api);
  if (seq >= size) throw new Error(`Cannot prove record ${seq}: the log has ${size} records`);
  const index = Math.floor(seq / bundle);
  const width = tileWidthAt(size, 0, index);
  const entry = entriesOf(await fetched(api, `/${tilePath("entries", index, width)}`))[seq % bundle];
  if (!entry) throw new Error(`Cannot read record ${seq}: its bundle is too short`);
  const text = new TextDecoder().decode(entry);
  const record = JSON.parse(text) as Readonly<Record<string, unknown>>;
  const path = await treeOf(api, size).path(seq);
  const found = await rootOfPath(seq, size, await leafHash(entry), path);
  const ok = found !== undefined && same(found, root);
  return {
    text,
    record,
    checks: [
      {
        what: "inclusion",
        ok,
        why: ok
          ? `${path.length} hashes lead from these bytes to the root over ${size} records`
          : "the hashes lead to another root",
      },
      {
        what: "place",
        ok: record.seq === seq,
        why: record.seq === seq ? `it is the record numbered ${seq}` : `it is numbered ${String(record.seq)}`,
      },
    ],
  };
}
