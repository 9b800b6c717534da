import { createPublicKey, verify } from "node:crypto";
import { openCheckpoint, leafHash, parseCheckpoint, parseNote, parseVkey, verifyInclusion } from "@skep/tlog";
import { toFault } from "@skep/fault";
import { fault } from "./faults.ts";

/** What a Rekor v2 log says about a digest. */
export interface RekorEntry {
  readonly index: number;
  readonly size: number;
  /** Name of the log. */
  readonly origin: string;
  /** Whether its checkpoint is signed by a key that the caller knows. */
  readonly trusted: boolean;
}

/** Keys as such a log names them: it takes no plain Ed25519. */
const details = "PKIX_ECDSA_P256_SHA_256";

/** The body of an upload to a Rekor v2 log (`POST /api/v2/log/entries`): a SHA-256, an ECDSA P-256 signature over it in DER, and the key as SubjectPublicKeyInfo. */
export function rekorRequest(digest: Uint8Array, signature: Uint8Array, key: Uint8Array): string {
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return JSON.stringify({
    hashedRekordRequestV002: {
      digest: base64(digest),
      signature: {
        content: base64(signature),
        verifier: { publicKey: { rawBytes: base64(key) }, keyDetails: details },
      },
    },
  });
}

interface LogEntry {
  readonly inclusionProof: {
    readonly logIndex: string;
    readonly rootHash: string;
    readonly treeSize: string;
    readonly hashes?: readonly string[];
    readonly checkpoint: { readonly envelope: string };
  };
  readonly canonicalizedBody: string;
}

interface Body {
  readonly kind: string;
  readonly apiVersion: string;
  readonly spec: { readonly hashedRekordV002: { readonly data: Data; readonly signature: Signature } };
}

interface Data {
  readonly algorithm: string;
  readonly digest: string;
}

interface Signature {
  readonly content: string;
  readonly verifier: { readonly publicKey?: { readonly rawBytes: string }; readonly keyDetails: string };
}

const bytes = (text: string): Buffer => Buffer.from(text, "base64");

function checkBody(body: Buffer, digest: Uint8Array, message: Uint8Array | undefined): void {
  const { kind, apiVersion, spec } = JSON.parse(body.toString()) as Body;
  if (kind !== "hashedrekord" || apiVersion !== "0.0.2") throw fault.rekor(`an entry ${kind} ${apiVersion}`);
  const { data, signature } = spec.hashedRekordV002;
  if (data.algorithm !== "SHA2_256" || Buffer.compare(bytes(data.digest), digest) !== 0)
    throw fault.rekor("it is of something else");
  const { publicKey, keyDetails } = signature.verifier;
  if (!message || !publicKey || keyDetails !== details) return;
  const key = createPublicKey({ key: bytes(publicKey.rawBytes), format: "der", type: "spki" });
  if (!verify("sha256", message, key, bytes(signature.content)))
    throw fault.rekor("its signature does not verify");
}

/**
 * Reads what a Rekor v2 log answered and checks that the entry is one of this SHA-256 and is in the log: its proof leads
 * to the root of its checkpoint, which one of `keys` (C2SP verifier keys) signed, for `trusted`. With `message` the
 * signature in the entry is checked too. Throws `evidence.rekor`.
 */
export function readRekorEntry(
  text: string,
  digest: Uint8Array,
  { keys = [], message }: { readonly keys?: readonly string[]; readonly message?: Uint8Array } = {},
): RekorEntry {
  try {
    const { inclusionProof, canonicalizedBody } = JSON.parse(text) as LogEntry;
    const body = bytes(canonicalizedBody);
    checkBody(body, digest, message);
    const { logIndex, treeSize, rootHash, hashes = [], checkpoint: note } = inclusionProof;
    const checkpoint = parseCheckpoint(parseNote(note.envelope).text);
    const { size, root, origin } = checkpoint;
    if (size !== Number(treeSize) || Buffer.compare(root, bytes(rootHash)) !== 0)
      throw fault.rekor("its proof is of another checkpoint");
    verifyInclusion(Number(logIndex), size, leafHash(body), hashes.map(bytes), root);
    if (keys.length > 0) openCheckpoint(note.envelope, { logs: keys.map((key) => parseVkey(key)), origin });
    return { index: Number(logIndex), size, origin, trusted: keys.length > 0 };
  } catch (thrown) {
    const cause = toFault(thrown);
    if (cause.code === "evidence.rekor") throw cause;
    throw fault.rekor(cause.kind === "internal" ? "it cannot be read" : cause.message, { cause: thrown });
  }
}
