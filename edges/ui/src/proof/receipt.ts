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
  for (const [kind, bytes] of [["stdout", stdout], ["stderr", stderr]] as const)
    for (let at = 0; at < bytes.length; at += chunkBytes) {
      const data = bytes.subarray(at, at + chunkBytes);
      const head = [digest, big(chunks, 8), big(kind.length, 4), utf8(kind), big(data.length, 4)];
      digest = await sha256(join([...head, data]));
      chunks += 1;
    }
  return { digest, chunks };
}

/** The bytes that the signature of a receipt covers. */
export function receiptMessage({ completed_at, job_id, result, schema_version }: Receipt): Bytes {
  const covered = canonicalUtf8({ completed_at, job_id, result, schema_version } as never);
  return utf8(`phase-receipt:v1:${covered}`);
}

function isReceipt(value: unknown): value is Receipt {
  const { result, job_id, completed_at, worker_pubkey, signature, schema_version } = (value ?? {}) as Partial<Receipt>;
  return (
    schema_version === 1 &&
    [job_id, completed_at, worker_pubkey, signature].every((part) => typeof part === "string") &&
    typeof result === "object" &&
    Array.isArray(result?.output_commitment)
  );
}

/** Verifies a receipt here, without asking the hive whether it holds. */
export async function verifyReceipt(text: string, expected: Expected): Promise<readonly Check[]> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  if (!isReceipt(value)) return [{ what: "form", ok: false, why: "it is no receipt of schema 1" }];
  const [key, signature] = [ofHex(value.worker_pubkey), ofHex(value.signature)];
  const signed = key && signature ? await isSigned(key, receiptMessage(value), signature) : false;
  const { digest, chunks } = await commitmentOf(expected.stdout, expected.stderr);
  const isOutput =
    same(digest, Uint8Array.from(value.result.output_commitment)) && chunks === value.result.output_chunk_count;
  const isKnown = expected.key !== "" && value.worker_pubkey === expected.key;
  return [
    {
      what: "signature",
      ok: signed,
      why:
        signed === undefined
          ? "this browser has no Ed25519: use `skep verify`"
          : signed
            ? "Ed25519 by the key in the receipt"
            : "the signature does not hold",
    },
    {
      what: "worker",
      ok: isKnown ? true : expected.key === "" ? undefined : false,
      why: isKnown
        ? "the key is the one that the hive knows of this machine"
        : expected.key === ""
          ? "the hive shows no key of this machine"
          : "signed by another key than this machine's",
    },
    {
      what: "job",
      ok: value.job_id === expected.jobId,
      why: value.job_id === expected.jobId ? "for this very manifest" : `for job ${value.job_id.slice(0, 16)}…`,
    },
    {
      what: "output",
      ok: isOutput,
      why: isOutput
        ? `the bytes shown are those committed to, in ${chunks} chunk${chunks === 1 ? "" : "s"}`
        : "the bytes shown are not those that the worker committed to",
    },
  ];
}
