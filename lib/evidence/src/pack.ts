import { leafHash, type Signer, signNote } from "@skep/tlog";
import { fault } from "./faults.ts";
import {
  listFiles,
  type Manifest,
  manifestName,
  pageName,
  printManifest,
  sealName,
  sealText,
  sha256,
} from "./manifest.ts";
import { pageOf, shellDigest } from "./page.ts";
import { type EvidenceRecord, type Json, objectOf } from "./record.ts";
import { scan } from "./scan.ts";
import { timelineMarkdown, timelineNdjson } from "./timeline.ts";

/** A record as it was hashed, and its inclusion proof, 32 bytes each. */
export interface Proven {
  readonly seq: number;
  readonly bytes: Uint8Array;
  readonly proof: readonly Uint8Array[];
}

/** What a pack is made of. */
export interface PackInput {
  readonly about: Pick<
    Manifest,
    "hive" | "origin" | "key" | "from" | "to" | "size" | "time" | "policy" | "program"
  >;
  readonly checkpoint: string;
  /** The newest checkpoint with enough cosignatures; empty without witnesses. */
  readonly cosigned: string;
  readonly records: readonly Proven[];
  /** Further texts by path, from a list of files that hold no secret: `proc/lifecycle/state`. */
  readonly texts: ReadonlyMap<string, string>;
  /** Secrets of the home in every form, to be looked for. */
  readonly secrets: readonly string[];
  /** Signs the seal: the key of the log. */
  readonly signer: Signer;
  /** Most bytes of all files; 8 MiB unless told. */
  readonly most?: number;
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
const usualMost = 8 * 1024 * 1024;

interface Journal {
  readonly lines: string;
  readonly proofs: string;
  readonly records: readonly EvidenceRecord[];
  readonly withheld: number;
}

// A record in which something looks like a secret is told by its leaf hash alone: it is still proven to be there.
function journalOf({ records, secrets }: PackInput): Journal {
  const lines: string[] = [];
  const proofs: string[] = [];
  const shown: EvidenceRecord[] = [];
  let withheld = 0;
  for (const { seq, bytes, proof } of records) {
    const text = Buffer.from(bytes).toString();
    const leaf = base64(leafHash(bytes));
    const hashes = proof.map(base64);
    const [hit] = scan(text, secrets);
    if (hit) {
      lines.push(JSON.stringify({ withheld: seq, why: hit.rule }));
      withheld += 1;
    } else {
      lines.push(text);
      shown.push(JSON.parse(text) as EvidenceRecord);
    }
    proofs.push(JSON.stringify({ seq, leaf, hashes }));
  }
  return {
    lines: lines.map((line) => `${line}\n`).join(""),
    proofs: proofs.map((line) => `${line}\n`).join(""),
    records: shown,
    withheld,
  };
}

const ndjson = (values: readonly Json[]): string =>
  values.map((value) => `${JSON.stringify(value)}\n`).join("");

function decisionsOf(records: readonly EvidenceRecord[]): string {
  return ndjson(
    records
      .filter(({ ticket }) => ticket.length > 0)
      .map(({ seq, time, subject, path, policy, verdict }) => ({
        seq,
        time,
        subject,
        path,
        policy,
        verdict: { ...verdict },
      })),
  );
}

function eventsOf(records: readonly EvidenceRecord[], wanted: RegExp): string {
  return ndjson(
    records.flatMap(({ seq, time, subject, events }) =>
      events.filter(({ t }) => wanted.test(t)).map(({ t, d }) => ({ seq, time, subject, event: t, data: d })),
    ),
  );
}

/** What an event says was done and for whom: the end of a job, or of a run on a GPU. */
function receiptIn({ t, d }: EvidenceRecord["events"][number]): Readonly<Record<string, Json>> | undefined {
  const data = objectOf(d);
  if (t.startsWith("gpu:ended@")) return { gpu: data?.id ?? null, receipt: d };
  const receipt = t.startsWith("jobs:ended@") ? objectOf(objectOf(data?.end)?.receipt) : undefined;
  return receipt && { job: data?.job ?? null, receipt: receipt as Json };
}

// Each with the fingerprint of what the hive was configured to then, where these records tell it.
function receiptsOf(records: readonly EvidenceRecord[]): string {
  const found: Json[] = [];
  let told: Readonly<Record<string, Json>> = {};
  for (const { seq, events } of records)
    for (const event of events) {
      if (/^manifest:(loaded|reloaded)@/.test(event.t)) told = { manifest: objectOf(event.d)?.hash ?? null };
      const receipt = receiptIn(event);
      if (receipt) found.push({ seq, ...receipt, ...told });
    }
  return ndjson(found);
}

/** Every file of a pack, by name, and how many records were withheld. The same input gives the same bytes. */
export interface Pack {
  readonly files: ReadonlyMap<string, string>;
  /** SHA-256 of the manifest, hex. */
  readonly root: string;
  /** SHA-256 of the page, hex. */
  readonly page: string;
  readonly withheld: number;
}

/** Makes a pack. Throws `evidence.secret` where a secret would be in it, `.large` beyond the bound. */
export function pack(input: PackInput): Pack {
  const { about, checkpoint, cosigned, secrets, signer, most = usualMost } = input;
  const journal = journalOf(input);
  const { records } = journal;
  const files = new Map<string, string>(input.texts);
  files.set("checkpoint", checkpoint);
  if (cosigned !== "") files.set("cosigned", cosigned);
  files.set("journal.ndjson", journal.lines);
  files.set("proofs.ndjson", journal.proofs);
  files.set("decisions.ndjson", decisionsOf(records));
  files.set(
    "approvals.ndjson",
    eventsOf(records, /^policy:(asked|approved|ran|closed|expired|queued|consumed)@/),
  );
  files.set("signers.ndjson", eventsOf(records, /^policy:enrolled@/));
  files.set(
    "leases.ndjson",
    eventsOf(records, /^(jobs:(leased|returned|lost|expired)|workers:(joined|left))@/),
  );
  files.set("receipts.ndjson", receiptsOf(records));
  files.set("timeline.ndjson", timelineNdjson(records));
  files.set("timeline.md", timelineMarkdown(records));
  let bytes = 0;
  for (const [name, text] of files) {
    const [hit] =
      name === "checkpoint" || name === "cosigned" || name === "proofs.ndjson" ? [] : scan(text, secrets);
    if (hit) throw fault.secret(`${name}: ${hit.rule}`);
    bytes += Buffer.byteLength(text);
  }
  if (bytes > most) throw fault.large(`${bytes} of ${most} bytes`);
  const manifest = printManifest({
    ...about,
    schema: "skep-evidence/v1",
    withheld: journal.withheld,
    files: listFiles(files),
  });
  const root = sha256(manifest);
  const seal = signNote(sealText(about.origin, root, shellDigest()), [signer]);
  const page = pageOf(manifest, seal, files);
  files.set(manifestName, manifest);
  files.set(sealName, seal);
  files.set(pageName, page);
  return { files, root, page: sha256(page), withheld: journal.withheld };
}
