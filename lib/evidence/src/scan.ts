/** What looks like a secret in a text. */
export interface Hit {
  readonly rule: string;
  /** Character at which it begins; the text itself is not told. */
  readonly at: number;
}

// Ours first, then what people paste into commands.
const rules: readonly { readonly rule: string; readonly pattern: RegExp }[] = [
  { rule: "private key (PEM)", pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----/ },
  { rule: "signing key (signed note)", pattern: /PRIVATE\+KEY\+/ },
  // A Biscuit begins with its first field; as base64url that is always En, Eo … and long.
  { rule: "ticket", pattern: /\bE[m-p][A-Za-z0-9_-]{160,}={0,2}/ },
  { rule: "ticket of the console", pattern: /\bcohesix-ticket-[A-Za-z0-9.]{16,}/ },
  { rule: "bearer", pattern: /\bBearer [A-Za-z0-9._~+/-]{16,}/i },
  {
    rule: "token of a service",
    pattern:
      /\b(?:gh[pousr]_[A-Za-z0-9]{20,}|xox[abpr]-[A-Za-z0-9-]{10,}|AKIA[0-9A-Z]{16}|glpat-[A-Za-z0-9_-]{16,}|sk-[A-Za-z0-9_-]{20,})/,
  },
  { rule: "JSON web token", pattern: /\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\./ },
  {
    rule: "password",
    pattern:
      /(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?token|private[_-]?key)["']?\s*[:=]\s*["']?[^\s"'{}[\],]{4,}/i,
  },
  { rule: "password in an address", pattern: /\b[a-z][a-z0-9+.-]*:\/\/[^\s/:@"]+:[^\s/@"]+@/i },
];

/** Secrets of this very home, by value, for `scan`: they are looked for in every form in which they could be written. */
export function formsOf(secret: Uint8Array): readonly string[] {
  const bytes = Buffer.from(secret);
  const text = bytes.toString();
  const printable = /^[\x20-\x7e]{8,}$/.test(text.trim()) ? [text.trim()] : [];
  if (bytes.length < 8) return printable;
  return [
    ...printable,
    bytes.toString("hex"),
    bytes.toString("base64").replace(/=+$/, ""),
    bytes.toString("base64url"),
  ];
}

/** Everything in a text that looks like a secret, or is one of those given. */
export function scan(text: string, secrets: readonly string[] = []): readonly Hit[] {
  const hits: Hit[] = [];
  for (const { rule, pattern } of rules) {
    const at = text.search(pattern);
    if (at >= 0) hits.push({ rule, at });
  }
  for (const secret of secrets) {
    const at = secret === "" ? -1 : text.toLowerCase().indexOf(secret.toLowerCase());
    if (at >= 0) hits.push({ rule: "secret of this home", at });
  }
  return hits;
}
