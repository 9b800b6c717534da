import { fault } from "./faults.ts";

const letters = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
// Identity multihash of a protobuf: key type Ed25519, then 32 bytes.
const prefix = Buffer.from("002408011220", "hex");

function base58(bytes: Uint8Array): string {
  let number = BigInt(`0x${Buffer.from(bytes).toString("hex")}`);
  let text = "";
  for (; number > 0n; number /= 58n) text = `${letters[Number(number % 58n)]}${text}`;
  const zeros = bytes.findIndex((byte) => byte !== 0);
  return "1".repeat(zeros) + text;
}

function fromBase58(text: string): Uint8Array | undefined {
  let number = 0n;
  for (const letter of text) {
    const digit = letters.indexOf(letter);
    if (digit < 0) return undefined;
    number = number * 58n + BigInt(digit);
  }
  const zeros = /^1*/.exec(text)?.[0].length ?? 0;
  const hex = number === 0n ? "" : number.toString(16);
  return Buffer.concat([
    Buffer.alloc(zeros),
    Buffer.from(hex.padStart(hex.length + (hex.length % 2), "0"), "hex"),
  ]);
}

/** The PeerId of an Ed25519 public key of 32 bytes. Throws `mesh.key`. */
export function peerOfKey(publicKey: Uint8Array): string {
  if (publicKey.length !== 32) throw fault.key();
  return base58(Buffer.concat([prefix, publicKey]));
}

/** The Ed25519 public key in a PeerId. Throws `mesh.peer`. */
export function keyOfPeer(peer: string): Uint8Array {
  const bytes = peer.length === 52 ? fromBase58(peer) : undefined;
  if (bytes?.length !== 38 || !prefix.equals(bytes.subarray(0, 6))) throw fault.peer(peer);
  return bytes.subarray(6);
}
