import { decodeBase64, decodeText, encodeBase64, sameBytes } from "./encoding.ts";
import { fault } from "./faults.ts";

/** Longest note that is read, in UTF-16 code units; a post-quantum signature line has about 3,300. */
export const maxNoteLength = 1 << 20;
/** Most signature lines that are read; the specification asks for at least 16. */
export const maxSignatures = 100;

/** One signature line. */
export interface NoteSignature {
  readonly name: string;
  /** First four bytes of the decoded line, big-endian. */
  readonly keyId: number;
  /** What follows the key id. */
  readonly signature: Uint8Array;
}

/** A parsed note; its text means nothing before `verifyNote` has accepted it. */
export interface Note {
  /** Ends with a newline. */
  readonly text: string;
  readonly signatures: readonly NoteSignature[];
}

/** Makes signatures of one kind with one key. */
export interface Signer {
  readonly name: string;
  readonly keyId: number;
  /** Signs the bytes of a note's text; the result does not include the key id. */
  sign(text: Uint8Array): Uint8Array;
}

/** Checks signatures of one kind by one key. */
export interface Verifier {
  readonly name: string;
  readonly keyId: number;
  /** Signature type byte of signed-note. */
  readonly type: number;
  /** The public key as it stands in a verifier key after the type byte. */
  readonly publicKey: Uint8Array;
  verify(text: Uint8Array, signature: Uint8Array): boolean;
}

/** A signature that holds, and who made it. */
export interface Verified extends NoteSignature {
  readonly verifier: Verifier;
}

/** Whether a key may have this name: not empty, no Unicode space, no plus. */
export function isKeyName(name: string): boolean {
  return name.length > 0 && name.isWellFormed() && !/[\p{White_Space}\p{Cc}+]/u.test(name);
}

function parseSignature(line: string): NoteSignature {
  const [dash, name = "", base64 = "", ...rest] = line.split(" ");
  const bytes = decodeBase64(base64);
  if (dash !== "—" || rest.length > 0 || !isKeyName(name)) throw fault.signatureLine("form");
  if (!bytes || bytes.length < 5) throw fault.signatureLine("base64");
  return { name, keyId: Buffer.from(bytes).readUInt32BE(), signature: bytes.subarray(4) };
}

/** Reads signature lines, each with its newline, as a witness answers them. */
export function parseSignatureLines(lines: string): NoteSignature[] {
  if (!lines.endsWith("\n")) throw fault.note("no newline at the end");
  const found = lines.slice(0, -1).split("\n");
  if (found.length > maxSignatures) throw fault.noteTooLong(`${found.length} signatures`);
  return found.map(parseSignature);
}

/** Reads a signed note, signed-note v1.0.0; the last empty line separates text and signatures. */
export function parseNote(source: string | Uint8Array): Note {
  if (source.length > maxNoteLength) throw fault.noteTooLong(`${source.length} characters`);
  const whole = decodeText(source);
  if (whole === undefined) throw fault.note("not valid UTF-8");
  if (/[\0-\x09\x0b-\x1f]/.test(whole)) throw fault.note("control character");
  const blank = whole.lastIndexOf("\n\n");
  if (blank < 0) throw fault.note("no empty line");
  return { text: whole.slice(0, blank + 1), signatures: parseSignatureLines(whole.slice(blank + 2)) };
}

/** One signature line with its newline. */
export function printSignature({ name, keyId, signature }: NoteSignature): string {
  const id = Buffer.alloc(4);
  id.writeUInt32BE(keyId);
  return `— ${name} ${encodeBase64(Buffer.concat([id, signature]))}\n`;
}

/** The note as text; `parseNote` reads it back. */
export function printNote({ text, signatures }: Note): string {
  return `${text}\n${signatures.map(printSignature).join("")}`;
}

function checkText(text: string): void {
  if (!text.endsWith("\n")) throw fault.note("text without a newline at its end");
  if (!text.isWellFormed() || /[\0-\x09\x0b-\x1f]/.test(text)) throw fault.note("control character");
}

/** The signature lines of these signers over a note's text, in their order. */
export function signatureLines(text: string, signers: readonly Signer[]): string {
  checkText(text);
  const bytes = Buffer.from(text);
  const lines = signers.map((signer) =>
    printSignature({ ...identity(signer), signature: signer.sign(bytes) }),
  );
  return lines.join("");
}

function identity({ name, keyId }: Signer): { readonly name: string; readonly keyId: number } {
  if (!isKeyName(name)) throw fault.key(name);
  return { name, keyId };
}

/** A note with this text, signed by each signer; throws `tlog.note` where the text may not be in a note. */
export function signNote(text: string, signers: readonly Signer[]): string {
  if (signers.length === 0) throw fault.unsigned();
  return `${text}\n${signatureLines(text, signers)}`;
}

function byIdentity(verifiers: readonly Verifier[]): Map<string, Verifier> {
  const known = new Map<string, Verifier>();
  for (const verifier of verifiers) {
    const key = `${verifier.keyId} ${verifier.name}`;
    if ((known.get(key) ?? verifier) !== verifier) throw fault.ambiguous(verifier.name);
    known.set(key, verifier);
  }
  return known;
}

function verifySignatures(note: Note, verifiers: readonly Verifier[]): Verified[] {
  const known = byIdentity(verifiers);
  const text = Buffer.from(note.text);
  const verified: Verified[] = [];
  for (const one of note.signatures) {
    const verifier = known.get(`${one.keyId} ${one.name}`);
    if (!verifier) continue;
    if (!verifier.verify(text, one.signature)) throw fault.signature(one.name);
    const seen = verified.some(
      (other) => other.verifier === verifier && sameBytes(other.signature, one.signature),
    );
    if (!seen) verified.push({ ...one, verifier });
  }
  return verified;
}

/**
 * The signatures of known keys. Lines of unknown keys are ignored; one wrong signature of a known key
 * rejects the note (`tlog.signature`), and so does the lack of any right one (`tlog.unsigned`).
 */
export function verifyNote(note: Note, verifiers: readonly Verifier[]): Verified[] {
  const verified = verifySignatures(note, verifiers);
  if (verified.length === 0) throw fault.unsigned();
  return verified;
}

/** The note with those of the witness's answered lines that known keys made; a wrong one by a known key is refused. */
export function acceptCosignatures(note: string, answer: string, witnesses: readonly Verifier[]): string {
  const { text, signatures } = parseNote(note);
  const fresh = verifyNote({ text, signatures: parseSignatureLines(answer) }, witnesses);
  const isNew = (one: NoteSignature) =>
    !signatures.some(
      (old) => old.name === one.name && old.keyId === one.keyId && sameBytes(old.signature, one.signature),
    );
  return printNote({ text, signatures: [...signatures, ...fresh.filter(isNew)] });
}
