import { discardAfter, type Library, type LibraryKey, library, type Token } from "./biscuit.ts";
import { type Claims, limits } from "./claims.ts";
import { parseBlock } from "./datalog.ts";
import { fault } from "./faults.ts";
import { keyIdOf } from "./root.ts";

/** One block of a token, with the revocation id that names it. */
export interface Block {
  /** Revocation id, the block's signature in hex: 128 digits. */
  readonly id: string;
  readonly claims: Claims;
}

/** Which hive the token must come from: its root public keys, 64 hex digits each, in use or retired. */
export interface Roots {
  readonly rootPublicKeys: readonly string[];
}

const alphabet = /^[\w-]+={0,2}$/;
const keyForm = /^[0-9a-f]{64}$/;

/** The hint of the outermost message: field 1, a varint, present only in first place. */
function keyIdIn(token: string): number | undefined {
  const bytes = Buffer.from(token.slice(0, 12), "base64url");
  if (bytes[0] !== 0x08) return undefined;
  let id = 0;
  for (let at = 1; at < 6; at++) {
    const byte = bytes[at] ?? 0;
    id += (byte & 0x7f) * 2 ** (7 * (at - 1));
    if (byte < 0x80) return id;
  }
  return undefined;
}

function candidates(token: string, keys: readonly string[]): readonly string[] {
  const id = keyIdIn(token);
  const named = keys.filter((key) => keyIdOf(key) === id);
  return named.length > 0 ? named : keys;
}

function isSignatureError(thrown: unknown): boolean {
  if (typeof thrown !== "object" || thrown === null || !("Format" in thrown)) return false;
  const format = thrown.Format;
  return typeof format === "object" && format !== null && "Signature" in format;
}

/** The library throws structures that quote what it read, so none of them is passed on. */
function openWith(lib: Library, token: string, key: LibraryKey): Token | "forged" | "malformed" {
  try {
    return lib.Biscuit.fromBase64(token, key);
  } catch (thrown) {
    discardAfter(thrown);
    return isSignatureError(thrown) ? "forged" : "malformed";
  }
}

/** Refuses what is too long for a token or cannot be one. */
export function checkText(token: string): void {
  if (token.length > limits.base64) throw fault.oversize(`longer than ${limits.base64} characters`);
  if (!alphabet.test(token)) throw fault.malformed();
}

/** Opens a token whose chain of signatures begins at one of the roots, and tells which. */
export async function openBy(
  token: string,
  { rootPublicKeys }: Roots,
): Promise<{ readonly opened: Token; readonly root: string }> {
  checkText(token);
  const lib = await library();
  for (const hex of candidates(token, rootPublicKeys)) {
    if (!keyForm.test(hex)) throw fault.key();
    const key = lib.PublicKey.fromBytes(Buffer.from(hex, "hex"), 0);
    const opened = openWith(lib, token, key);
    key.free();
    if (opened === "malformed") throw fault.malformed();
    if (opened === "forged") continue;
    if (opened.countBlocks() <= limits.blocks) return { opened, root: hex };
    opened[Symbol.dispose]();
    throw fault.oversize(`more than ${limits.blocks} blocks`);
  }
  throw fault.forged();
}

/** The same without telling which. */
export async function open(token: string, roots: Roots): Promise<Token> {
  return (await openBy(token, roots)).opened;
}

/** A holder can sign any bytes as a block: what the library cannot print is no ticket, whatever it throws. */
function sourcesOf(token: Token): { id: string; source: string }[] {
  try {
    return token.getRevocationIdentifiers().map((id, at) => ({ id, source: token.getBlockSource(at) }));
  } catch (thrown) {
    discardAfter(thrown);
    throw fault.malformed();
  }
}

/** Reads every block in the closed vocabulary. */
export function blocksOf(token: Token): Block[] {
  return sourcesOf(token).map(({ id, source }) => ({ id, claims: parseBlock(source) }));
}

/** The text of a token, refused when it has grown beyond what `open` takes. */
export function printToken(token: Token): string {
  const text = token.toBase64();
  if (text.length > limits.base64) throw fault.oversize(`longer than ${limits.base64} characters`);
  return text;
}
