import { fault } from "./faults.ts";
import { parseKeyLine } from "./key.ts";
import { type LocalTime, parseMoment } from "./moment.ts";
import type { SshKey } from "./ssh-key.ts";

/** One line of an allowed_signers file, ssh-keygen(1) "ALLOWED SIGNERS". */
export interface SignerLine {
  /** Counts from 1. */
  readonly line: number;
  /** Pattern list of the identities that the key may sign as. */
  readonly principals: string;
  /** The key, or that of the authority whose certificates may. */
  readonly key: SshKey;
  readonly authority: boolean;
  /** Pattern list; absent means any namespace. */
  readonly namespaces?: string;
  /** Seconds since 1970 UTC, from then on. */
  readonly validAfter?: number;
  /** Seconds since 1970 UTC, up to and with it. */
  readonly validBefore?: number;
}

type Options = { -readonly [Name in "namespaces" | "validAfter" | "validBefore"]?: SignerLine[Name] } & {
  authority: boolean;
};

/** The first word, in which one stretch may be quoted, and what follows the blanks after it. */
function splitWord(text: string): readonly [word: string, rest: string] | undefined {
  const stop = text.search(/[ \t\r\n"]/);
  if (stop < 0) return undefined;
  if (text[stop] !== '"') return [text.slice(0, stop), text.slice(stop).replace(/^[ \t\r\n]+/, "")];
  const close = text.indexOf('"', stop + 1);
  if (close < 0) return undefined;
  const word = text.slice(0, stop) + text.slice(stop + 1, close);
  return [word, text.slice(close + 1).replace(/^[ \t\r\n]+/, "")];
}

/** Where the options end: the first blank outside of quotes, or undefined where a quote stays open. */
function endOfOptions(text: string): number | undefined {
  let quoted = false;
  let at = 0;
  for (; at < text.length; at += 1) {
    if (text[at] === "\\" && text[at + 1] === '"') at += 1;
    else if (text[at] === '"') quoted = !quoted;
    else if (!quoted && (text[at] === " " || text[at] === "\t")) break;
  }
  return quoted ? undefined : at;
}

const option = /^(?:(cert-authority)|(namespaces|valid-after|valid-before)="((?:[^"\\]|\\"|\\(?!"))*)")/i;

function setOption(options: Options, name: string, value: string, local: LocalTime | undefined): void {
  const field = { namespaces: "namespaces", "valid-after": "validAfter", "valid-before": "validBefore" }[
    name
  ];
  if (field === "namespaces") {
    if (options.namespaces !== undefined) throw fault["signer-line"]("namespaces twice");
    options.namespaces = value.replaceAll('\\"', '"');
    return;
  }
  if (field !== "validAfter" && field !== "validBefore") throw fault["signer-line"](name);
  if (options[field] !== undefined) throw fault["signer-line"](`${name} twice`);
  const seconds = parseMoment(value, local);
  if (seconds === undefined) throw fault["signer-line"](`${name}="${value}"`);
  options[field] = seconds;
}

function parseOptions(text: string, local: LocalTime | undefined): Options {
  const options: Options = { authority: false };
  let rest = text;
  while (rest !== "") {
    const [whole = "", flag, name, value = ""] = option.exec(rest) ?? [];
    if (flag !== undefined) options.authority = true;
    else if (name !== undefined) setOption(options, name.toLowerCase(), value, local);
    rest = rest.slice(whole.length);
    if (rest === "") break;
    // As in OpenSSH, nothing may stand between two commas.
    if (!rest.startsWith(",") || rest === ",") throw fault["signer-line"](`option ${rest}`);
    rest = rest.slice(1);
  }
  const { validAfter, validBefore } = options;
  if (validAfter !== undefined && validBefore !== undefined && validBefore <= validAfter)
    throw fault["signer-line"]("valid-before is not after valid-after");
  return options;
}

function startsWithKey(text: string): boolean {
  const [type = ""] = text.split(/[ \t]/, 1);
  return /^(?:sk-)?(?:ssh|ecdsa)-[a-z0-9-]+(?:@openssh\.com)?$/.test(type);
}

function parseSignerKey(text: string): SshKey {
  const key = parseKeyLine(text);
  if (key.certificate) throw fault["signer-line"]("a certificate in the place of a key");
  return key;
}

/** Reads a line; undefined for an empty one or a comment. Throws `sshsig.signer-line` and the faults of `parseKey`. */
export function parseSignerLine(
  source: string,
  line: number,
  local: LocalTime | undefined,
): SignerLine | undefined {
  const text = source.replace(/^[ \t\r]+/, "").replace(/\r+$/, "");
  if (text === "" || text.startsWith("#")) return undefined;
  const split = splitWord(text);
  if (!split || split[0] === "") throw fault["signer-line"]("no principals");
  const [principals, rest] = split;
  if (startsWithKey(rest)) return { line, principals, key: parseSignerKey(rest), authority: false };
  const end = endOfOptions(rest);
  if (end === undefined) throw fault["signer-line"]("an open quote");
  const options = parseOptions(rest.slice(0, end), local);
  return { line, principals, key: parseSignerKey(rest.slice(end)), ...options };
}
