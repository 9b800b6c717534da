import { canonicalUtf8 } from "@skep/canon";
import { type Bytes, isSigned, join, ofHex, same, sha256, utf8 } from "./bytes.ts";

/** One thing that was looked at, and whether it holds; undefined where this browser cannot tell. */
export interface Check {
  readonly what: string;
  readonly ok: boolean | undefined;
  readonly why: string;
}

interface Receipt {
  readonly schema_version: number;
  readonly result: {
    readonly output_commitment: readonly number[];
    readonly output_chunk_count: number;
    readonly [more: string]: unknown;
  };
  readonly job_id: string;
  readonly completed_at: string;
  readonly worker_pubkey: string;
  readonly signature: string;
}

/** What a receipt is held against: what the page learned elsewhere. */
export interface Expected {
  /** Key of the worker as the hive knows it, hex; empty where it knows none. */
  readonly key: string;
  readonly jobId: string;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

const chunkBytes = 65_536;

function big(value: number, bytes: number): Bytes {
  const made = new Uint8Array(bytes);
  new DataView(made.buffer).setUint32(bytes - 4, value);
  return made;
}

/** The commitment of phase-protocol over stdout, then stderr, in chunks of 65,536 bytes. */
export async function commitmentOf(
  stdout: Uint8Array,
  stderr: Uint8Array,
): Promise<{ readonly digest: Bytes; readonly chunks: number }> {
  let digest = await sha256(utf8("phase-protocol:v1:commitment"));
  let chunks = 0;
  for (const [kind, bytes] of [
    ["stdout", stdout],
    ["stderr", stderr],
  ] as const)
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const data = bytes.subarray(at, at + chunkBytes);
      const head = [digest, big(chunks, 8), big(kind.length, 4), utf8(kind), big(data.length, 4)];
      digest = await sha256(join([...head, data]));
      chunks += 1;
    }
  return { digest, chunks };
}

/** The bytes that the signature of a receipt covers. */
function receiptMessage({ completed_at, job_id, result, schema_version }: Receipt): Bytes {
  const covered = canonicalUtf8({ completed_at, job_id, result, schema_version } as never);
  return utf8(`phase-receipt:v1:${covered}`);
}

function isReceipt(value: unknown): value is Receipt {
  const { result, job_id, completed_at, worker_pubkey, signature, schema_version } = (value ??
    {}) as Partial<Receipt>;
  return (
    schema_version === 1 &&
    [job_id, completed_at, worker_pubkey, signature].every((part) => typeof part === "string") &&
    typeof result === "object" &&
    Array.isArray(result?.output_commitment)
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function signatureCheck(receipt: Receipt): Promise<Check> {
  const [key, signature] = [ofHex(receipt.worker_pubkey), ofHex(receipt.signature)];
  const ok = key && signature ? await isSigned(key, receiptMessage(receipt), signature) : false;
  const what = "signature";
  if (ok === undefined) return { what, ok, why: "this browser has no Ed25519: use `skep verify`" };
  return { what, ok, why: ok ? "Ed25519 by the key in the receipt" : "the signature does not hold" };
}

function workerCheck(receipt: Receipt, known: string): Check {
  const what = "worker";
  if (known === "") return { what, ok: undefined, why: "the hive shows no key of this machine" };
  if (receipt.worker_pubkey !== known)
    return { what, ok: false, why: "signed by another key than this machine's" };
  return { what, ok: true, why: "the key is the one that the hive knows of this machine" };
}

async function outputCheck({ result }: Receipt, { stdout, stderr }: Expected): Promise<Check> {
  const { digest, chunks } = await commitmentOf(stdout, stderr);
  const isSame = same(digest, Uint8Array.from(result.output_commitment));
  const ok = isSame && chunks === result.output_chunk_count;
  const told = `the bytes shown are those committed to, in ${chunks} chunk${chunks === 1 ? "" : "s"}`;
  return {
    what: "output",
    ok,
    why: ok ? told : "the bytes shown are not those that the worker committed to",
  };
}

/** Verifies a receipt here, without asking the hive whether it holds. */
export async function verifyReceipt(text: string, expected: Expected): Promise<readonly Check[]> {
  const receipt = parse(text);
  if (!isReceipt(receipt)) return [{ what: "form", ok: false, why: "it is no receipt of schema 1" }];
  const { job_id } = receipt;
  const isJob = job_id === expected.jobId;
  const job = {
    what: "job",
    ok: isJob,
    why: isJob ? "for this very manifest" : `for job ${job_id.slice(0, 16)}…`,
  };
  return [
    await signatureCheck(receipt),
    workerCheck(receipt, expected.key),
    job,
    await outputCheck(receipt, expected),
  ];
}
