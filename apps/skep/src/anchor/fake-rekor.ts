import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import {
  createSigner,
  createVerifier,
  ed25519PublicKey,
  leafHash,
  nodeHash,
  printCheckpoint,
  printVkey,
  signNote,
} from "@skep/tlog";

/** A log that answers as Rekor v2 does. */
export interface FakeRekor {
  /** Its C2SP verifier key. */
  readonly key: string;
  /** The body of an answer to an upload's body. */
  answer(request: string): string;
}

function rootOf(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 1) return leaves[0] as Uint8Array;
  const half = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return nodeHash(rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)));
}

/** RFC 6962 section 2.1.1, as it is written there. */
function proofOf(at: number, leaves: readonly Uint8Array[]): Uint8Array[] {
  if (leaves.length <= 1) return [];
  const half = 2 ** Math.floor(Math.log2(leaves.length - 1));
  return at < half
    ? [...proofOf(at, leaves.slice(0, half)), rootOf(leaves.slice(half))]
    : [...proofOf(at - half, leaves.slice(half)), rootOf(leaves.slice(0, half))];
}

/** A log in memory. Throws for a body that Rekor v2 would refuse. */
export function fakeRekor(origin = "log2026.rekor.example"): FakeRekor {
  const seed = createHash("sha256").update(origin).digest();
  const signer = createSigner(origin, seed);
  const leaves: Uint8Array[] = [];
  const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64");
  return {
    key: printVkey(createVerifier(origin, ed25519PublicKey(seed))),
    answer: (request) => {
      const { digest, signature } = JSON.parse(request).hashedRekordRequestV002;
      if (Buffer.from(digest, "base64").length !== 32) throw new Error("not a SHA-256");
      const { content, verifier } = signature;
      const body = Buffer.from(
        canonical({
          apiVersion: "0.0.2",
          kind: "hashedrekord",
          spec: {
            hashedRekordV002: { data: { algorithm: "SHA2_256", digest }, signature: { content, verifier } },
          },
        }),
      );
      leaves.push(leafHash(body));
      const index = leaves.length - 1;
      const root = rootOf(leaves);
      const envelope = signNote(printCheckpoint({ origin, size: leaves.length, root }), [signer]);
      return JSON.stringify({
        logIndex: String(index),
        kindVersion: { kind: "hashedrekord", version: "0.0.2" },
        inclusionProof: {
          logIndex: String(index),
          rootHash: base64(root),
          treeSize: String(leaves.length),
          hashes: proofOf(index, leaves).map(base64),
          checkpoint: { envelope },
        },
        canonicalizedBody: base64(body),
      });
    },
  };
}
