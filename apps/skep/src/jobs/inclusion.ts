import type { Client } from "@skep/ninep";
import {
  createVerifier,
  decodeBundle,
  leafHash,
  openCheckpoint,
  parseTlogProof,
  tilePath,
  tileWidth,
  tileWidthAt,
  type Trust,
  verifyTlogProof,
} from "@skep/tlog";

/** A journal as its signed checkpoint tells it. */
export interface JournalHead {
  readonly origin: string;
  readonly size: number;
  /** Root hash, hex. */
  readonly root: string;
}

/** Whom to believe about a hive's journal: the key of its log, 64 hex digits. */
export function logTrust(origin: string, publicKey: string): Trust {
  return { logs: [createVerifier(origin, Buffer.from(publicKey, "hex"))] };
}

function headOf({ checkpoint }: ReturnType<typeof openCheckpoint>): JournalHead {
  const { origin, size, root } = checkpoint;
  return { origin, size, root: Buffer.from(root).toString("hex") };
}

/** The newest checkpoint. Throws `tlog.*` for one that the key did not sign. */
export async function journalHead(client: Client, trust: Trust): Promise<JournalHead> {
  return headOf(openCheckpoint(await client.readAll("/audit/checkpoint"), trust));
}

/** Records of the journal below a size, as they were hashed; bundles are read once each. */
export class Records {
  readonly #client: Client;
  readonly #size: number;
  readonly #bundles = new Map<number, Promise<Uint8Array[]>>();

  constructor(client: Client, size: number) {
    this.#client = client;
    this.#size = size;
  }

  async #bundle(index: number): Promise<Uint8Array[]> {
    const width = tileWidthAt(this.#size, 0, index);
    const path = tilePath({ level: "entries", index, width });
    return decodeBundle(await this.#client.readAll(`/audit/${path}`), width);
  }

  /** The bytes of one record. */
  async at(seq: number): Promise<Uint8Array | undefined> {
    const index = Math.floor(seq / tileWidth);
    let bundle = this.#bundles.get(index);
    if (!bundle) {
      bundle = this.#bundle(index);
      this.#bundles.set(index, bundle);
    }
    return (await bundle)[seq % tileWidth];
  }

  /** The first record from a sequence on that has this event about this job. */
  async find(from: number, type: string, job: string): Promise<number | undefined> {
    for (let seq = from; seq < this.#size; seq++) {
      const bytes = await this.at(seq);
      if (!bytes) return undefined;
      const { events = [] } = JSON.parse(Buffer.from(bytes).toString()) as {
        events?: { t: string; d: { job?: string } }[];
      };
      if (events.some(({ t, d }) => t === type && d.job === job)) return seq;
    }
    return undefined;
  }
}

/**
 * Proves that a record is in the log: its bytes are hashed here, and the path from there to the signed root is computed
 * again. Throws `tlog.*` where that fails.
 */
export async function proveRecord(
  client: Client,
  records: Records,
  seq: number,
  trust: Trust,
): Promise<JournalHead> {
  const bytes = await records.at(seq);
  if (!bytes) throw new Error(`record ${seq} is not in its bundle`);
  const proof = parseTlogProof(await client.readAll(`/audit/proof/${seq}`));
  if (proof.index !== seq) throw new Error(`the proof is of record ${proof.index}, not ${seq}`);
  return headOf(verifyTlogProof(proof, leafHash(bytes), trust));
}
