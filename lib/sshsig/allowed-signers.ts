import { type Fault, toFault } from "@skep/fault";
import { checkCertificate } from "./certificate.ts";
import { fault } from "./faults.ts";
import { sameKey } from "./key.ts";
import type { LocalTime } from "./moment.ts";
import { matchPatternList } from "./pattern.ts";
import { parseSignerLine, type SignerLine } from "./signer-line.ts";
import type { SshKey } from "./ssh-key.ts";

/** A parsed allowed_signers file. */
export interface AllowedSigners {
  readonly lines: readonly SignerLine[];
  /** Lines that allow nobody because they cannot be used; OpenSSH passes over them in the same way. */
  readonly unusable: readonly { readonly line: number; readonly fault: Fault }[];
}

const maxFile = 1024 * 1024;

/** The text of a file of lines: UTF-8, at most 1 MiB. Throws `sshsig.oversize` or what `bad` makes. */
export function textOf(source: string | Uint8Array, bad: (what: string) => Fault): string {
  if (source.length > maxFile) throw fault.oversize(`file of ${source.length} bytes`);
  if (typeof source === "string") return source;
  const text = Buffer.from(source).toString("utf8");
  if (!Buffer.from(text).equals(Buffer.from(source))) throw bad("no UTF-8");
  return text;
}

/**
 * Reads an allowed_signers file. A line that cannot be used allows nobody and is told in `unusable`; times without `Z`
 * need `local`, else their line is unusable. Throws `sshsig.oversize`, or `sshsig.signer-line` for what is no UTF-8.
 */
export function parseAllowedSigners(source: string | Uint8Array, local?: LocalTime): AllowedSigners {
  const lines: SignerLine[] = [];
  const unusable: { line: number; fault: Fault }[] = [];
  for (const [at, text] of textOf(source, fault["signer-line"]).split("\n").entries()) {
    try {
      const line = parseSignerLine(text, at + 1, local);
      if (line) lines.push(line);
    } catch (thrown) {
      unusable.push({ line: at + 1, fault: toFault(thrown) });
    }
  }
  return { lines, unusable };
}

/** As whom, for what and when a key wants to sign. */
export interface Authorization {
  readonly identity: string;
  readonly namespace: string;
  /** Seconds since 1970 UTC. */
  readonly time: number;
}

function isFor(line: SignerLine, key: SshKey): boolean {
  const { certificate } = key;
  if (!line.authority) return certificate === undefined && sameKey(line.key, key);
  return certificate !== undefined && sameKey(line.key, certificate.authority);
}

function checkLine(line: SignerLine, key: SshKey, { identity, namespace, time }: Authorization): void {
  if (key.certificate) checkCertificate(key.certificate, identity, time);
  if (line.namespaces !== undefined && !matchPatternList(namespace, line.namespaces))
    throw fault["key-namespace"](namespace);
  if (line.validAfter !== undefined && time < line.validAfter)
    throw fault["not-yet-valid"](`line ${line.line}`);
  if (line.validBefore !== undefined && time > line.validBefore) throw fault.expired(`line ${line.line}`);
}

/**
 * The first line that lets the key sign so, as ssh-keygen looks for it: a line that lists the key but does not permit
 * it is passed over, and the first such reason is what is thrown when no other line permits. Throws
 * `sshsig.unknown-signer`, `.key-namespace`, `.not-yet-valid`, `.expired`, `.principal` or `.certificate`.
 */
export function authorize(signers: AllowedSigners, key: SshKey, wanted: Authorization): SignerLine {
  if (!Number.isSafeInteger(wanted.time) || wanted.time < 0) throw fault.time(wanted.time);
  let reason: Fault | undefined;
  for (const line of signers.lines) {
    if (!matchPatternList(wanted.identity, line.principals) || !isFor(line, key)) continue;
    try {
      checkLine(line, key, wanted);
      return line;
    } catch (thrown) {
      reason ??= toFault(thrown);
    }
  }
  throw reason ?? fault["unknown-signer"](key.fingerprint);
}
