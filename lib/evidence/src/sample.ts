import { canonical } from "@skep/canon";
import {
  createSigner,
  createVerifier,
  ed25519PublicKey,
  leafHash,
  printCheckpoint,
  printVkey,
  proveInclusion,
  signNote,
  TileWriter,
} from "@skep/tlog";
import type { PackInput } from "./pack.ts";
import type { EvidenceRecord, Json } from "./record.ts";

const seed = Buffer.alloc(32, 7);
const origin = "skep.invalid/hive-sample";

/** A record as a journal has it; what is not told is of no interest. */
export function sampleRecord(seq: number, more: Partial<EvidenceRecord> = {}): EvidenceRecord {
  return {
    seq,
    time: 1_800_000_000_000 + seq * 1000,
    epoch: 1,
    subject: "ann",
    role: "queen",
    ticket: ["root"],
    path: "/queen/ctl",
    command: { spawn: "heartbeat", ticks: seq },
    verdict: { ok: true },
    policy: "none",
    events: [],
    effects: [],
    ...more,
  };
}

/** Input of a pack over a log of these records, for tests; the key is known to everybody. */
export async function sampleInput(
  records: readonly EvidenceRecord[],
  from = 0,
  to = records.length,
): Promise<PackInput> {
  const bytes = records.map((record) => Buffer.from(canonical(record as unknown as Json)));
  const log = new TileWriter();
  const tiles = new Map<string, Uint8Array>();
  const keep = ({
    level,
    index,
    data,
  }: {
    level: number | "entries";
    index: number;
    data: Uint8Array;
  }): void => void tiles.set(`${level}/${index}`, data);
  for (const each of bytes) for (const tile of log.append(leafHash(each))) keep(tile);
  for (const tile of log.partialTiles()) keep(tile);
  const signer = createSigner(origin, seed);
  const read = (level: number, index: number): Uint8Array =>
    tiles.get(`${level}/${index}`) ?? new Uint8Array(0);
  const proven = [];
  for (let seq = from; seq < to; seq += 1)
    proven.push({
      seq,
      bytes: bytes[seq] ?? new Uint8Array(0),
      proof: await proveInclusion(seq, log.size, read),
    });
  return {
    about: {
      hive: "hive-sample",
      origin,
      key: printVkey(createVerifier(origin, ed25519PublicKey(seed))),
      from,
      to,
      size: log.size,
      time: records.at(-1)?.time ?? 0,
      policy: "none",
      program: "skep test",
    },
    checkpoint: signNote(printCheckpoint({ origin, size: log.size, root: log.root() }), [signer]),
    cosigned: "",
    records: proven,
    texts: new Map([["proc/lifecycle/state", "state=ONLINE\n"]]),
    secrets: [],
    signer,
  };
}
