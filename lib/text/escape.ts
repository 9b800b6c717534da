import { decodeMarked } from "./decode.ts";

/** Where the text will stand: each place has its own dangerous characters. */
export type EscapeForm = "terminal" | "log" | "markdown" | "html" | "json" | "wire";

export interface EscapeOptions {
  readonly form: EscapeForm;
  /** Longest input kept, in characters (UTF-16 units); what follows is replaced by `…`. */
  readonly max?: number;
}

// Cc = C0, DEL, C1; Cf = bidi controls, zero-width, tags, soft hyphen; Zl, Zp = line separators; Cs = lone
// surrogates. The rest are letters and marks by category that show nothing.
const unseen =
  "\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\u034f\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164\\uffa0\\ufffe\\uffff";
// Most of what is shown needs nothing; looking at properties of each character costs ten times this.
const harmless: Partial<Record<EscapeForm, RegExp>> = {
  terminal: /^[ -[\]-~]*$/,
  log: /^[ -[\]-~]*$/,
  wire: /^[\t -~]*$/,
};

const short: Record<string, string> = { "\n": "\\n", "\r": "\\r", "\t": "\\t", "\\": "\\\\" };

function visible(char: string): string {
  const found = short[char];
  if (found !== undefined) return found;
  const code = char.codePointAt(0) ?? 0;
  return code < 0x80 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`;
}

const isPunctuation = (char: string) => char > " " && char < "\x7f";

function inMarkdown(char: string): string {
  if (char === " ") return "&#32;";
  if (isPunctuation(char)) return char === "\\" ? "\\\\\\\\" : `\\${char}`;
  // Braces and the backslash of our own escape are punctuation to Markdown too.
  return visible(char).replace(/[\\{}]/g, "\\$&");
}

function inHtml(char: string): string {
  if (isPunctuation(char) && char !== "\\") return `&#${char.charCodeAt(0)};`;
  return visible(char);
}

function inJson(char: string): string {
  if (char === '"') return '\\"';
  if (char in short) return short[char] ?? char;
  let text = "";
  for (let at = 0; at < char.length; at++) text += `\\u${char.charCodeAt(at).toString(16).padStart(4, "0")}`;
  return text;
}

const plain = `[${unseen}\\\\]`;
const forms: Record<EscapeForm, readonly [string, (char: string) => string]> = {
  terminal: [plain, visible],
  log: [plain, visible],
  markdown: [`[${unseen}!#$&()*+\\-.:<=>@[\\]\\\\^_\`{|}~]|^ `, inMarkdown],
  html: [`[${unseen}\\\\&<>"'\`=]`, inHtml],
  json: [`[${unseen}\\\\"]`, inJson],
  wire: [`(?!\\t)[${unseen}]`, visible],
};

// Each takes the engine half a millisecond to make, and most programs need one of them or none.
const patterns = new Map<string, RegExp>();

function patternOf(source: string): RegExp {
  const known = patterns.get(source);
  if (known) return known;
  const pattern = new RegExp(source, "gu");
  patterns.set(source, pattern);
  return pattern;
}

function replaceIn(text: string, form: EscapeForm, max: number | undefined): string {
  const [source, show] = forms[form];
  const cut = max !== undefined && text.length > max;
  const part = cut ? text.slice(0, max) : text;
  const kept = harmless[form]?.test(part) ? part : part.replace(patternOf(source), show);
  return cut ? `${kept}…` : kept;
}

/**
 * Shows a string from outside so that it can neither steer the place where it stands nor hide anything: controls (C0,
 * C1, DEL, ESC), bidi and zero-width characters, newlines, lone surrogates and bytes that are no UTF-8 become visible
 * escapes (`\x1b`, `\n`, `\u{202e}`, `\xff`). In `terminal` and `log` the backslash is doubled, so no two texts look
 * alike by escaping; `markdown` and `html` also disarm their punctuation; `json` is what may stand between the quotes
 * of a JSON string, and parses back to the text. `wire` is for line protocols that programs read, too: tabs and backslashes
 * stay as they are, so that JSON lines pass unchanged.
 */
export function escapeForeign(text: string | Uint8Array, options: EscapeOptions): string {
  const { form, max } = options;
  if (typeof text === "string") return replaceIn(text, form, max);
  return decodeMarked(text, max)
    .map((part) => (typeof part === "string" ? replaceIn(part, form, undefined) : badByte(part, form)))
    .join("");
}

function badByte(byte: number, form: EscapeForm): string {
  if (byte < 0) return "…";
  const hex = byte.toString(16).padStart(2, "0");
  return form === "json" || form === "markdown" ? `\\\\x${hex}` : `\\x${hex}`;
}

/** As `escapeForeign` for a terminal, but newlines and tabs stay: for text that is shown as lines on purpose. */
export function escapeLines(text: string | Uint8Array, max?: number): string {
  const shown = escapeForeign(text, max === undefined ? { form: "terminal" } : { form: "terminal", max });
  const kept: Record<string, string> = { "\\n": "\n", "\\t": "\t" };
  return shown.replace(/\\./g, (pair) => kept[pair] ?? pair);
}
