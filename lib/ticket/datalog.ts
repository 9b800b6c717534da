import { Claims } from "./claims.ts";
import { fault } from "./faults.ts";
import { parseInstant, printInstant } from "./instant.ts";

const budgetNames = ["ops", "bytes", "ttl", "resumes", "advances"] as const;
const term = String.raw`"[^"\\\p{C}]*"|\d{1,16}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
const factForm = new RegExp(`^([a-z]+)\\((${term})(?:, (${term}))?(?:, (${term}))?\\);$`, "u");
const expiryForm = /^check if time\((\$\w+)\), \1 <= ([\dTZ:-]+);$/;

type Term = string | number | { readonly instant: number };
interface Draft {
  subject?: string;
  role?: string;
  hive?: string;
  rights?: { path: string; verb: string; rate?: number }[];
  budgets?: Record<string, number>;
  issuedAt?: number;
  expiresAt?: number;
}

/** Writes one block in the closed vocabulary; strings are printed bare because no claim may hold what needs an escape. */
export function printBlock(claims: Claims): string {
  const lines: string[] = [];
  if (claims.subject !== undefined) lines.push(`subject("${claims.subject}");`);
  if (claims.role !== undefined) lines.push(`role("${claims.role}");`);
  if (claims.hive !== undefined) lines.push(`hive("${claims.hive}");`);
  for (const { path, verb, rate } of claims.rights ?? [])
    lines.push(`right("${path}", "${verb}"${rate === undefined ? "" : `, ${rate}`});`);
  for (const name of budgetNames) {
    const amount = claims.budgets?.[name];
    if (amount !== undefined) lines.push(`budget("${name}", ${amount});`);
  }
  if (claims.issuedAt !== undefined)
    lines.push(`issued(${printInstant(Math.floor(claims.issuedAt / 1000))});`);
  if (claims.expiresAt !== undefined)
    lines.push(`check if time($t), $t <= ${printInstant(Math.floor(claims.expiresAt / 1000))};`);
  return lines.map((line) => `${line}\n`).join("");
}

function readTerm(text: string): Term {
  if (text.startsWith('"')) return text.slice(1, -1);
  if (/^\d+$/.test(text)) return Number(text);
  const instant = parseInstant(text);
  if (instant === undefined) throw fault["unknown-fact"]();
  return { instant };
}

function once(draft: Draft, name: "subject" | "role" | "hive", [value, ...more]: Term[]): void {
  if (typeof value !== "string" || more.length > 0 || draft[name] !== undefined)
    throw fault["unknown-fact"](name);
  draft[name] = value;
}

/** Every fact that a block may hold; a later release may add a row, and earlier ones will then refuse it. */
const facts: Readonly<Record<string, (draft: Draft, terms: Term[]) => void>> = {
  subject: (draft, terms) => once(draft, "subject", terms),
  role: (draft, terms) => once(draft, "role", terms),
  hive: (draft, terms) => once(draft, "hive", terms),
  right(draft, [path, verb, rate]) {
    if (typeof path !== "string" || typeof verb !== "string") throw fault["unknown-fact"]("right");
    if (rate !== undefined && typeof rate !== "number") throw fault["unknown-fact"]("right");
    draft.rights ??= [];
    draft.rights.push(rate === undefined ? { path, verb } : { path, verb, rate });
  },
  budget(draft, [name, amount, ...more]) {
    const known = budgetNames.find((each) => each === name);
    if (!known || typeof amount !== "number" || more.length > 0) throw fault["unknown-fact"]("budget");
    draft.budgets ??= {};
    if (draft.budgets[known] !== undefined) throw fault["unknown-fact"]("budget");
    draft.budgets[known] = amount;
  },
  issued(draft, [at, ...more]) {
    if (typeof at !== "object" || more.length > 0 || draft.issuedAt !== undefined)
      throw fault["unknown-fact"]("issued");
    draft.issuedAt = at.instant * 1000;
  },
};

function readLine(draft: Draft, line: string): void {
  const expiry = expiryForm.exec(line)?.[2];
  if (expiry !== undefined) {
    const instant = parseInstant(expiry);
    if (instant === undefined || draft.expiresAt !== undefined) throw fault["unknown-fact"]("check");
    draft.expiresAt = instant * 1000;
    return;
  }
  const found = factForm.exec(line);
  const name = found?.[1] ?? "";
  if (!found || !Object.hasOwn(facts, name)) throw fault["unknown-fact"]();
  const terms = found.slice(2).filter((text) => text !== undefined);
  facts[name]?.(draft, terms.map(readTerm));
}

/**
 * Reads one block as Biscuit prints it. Each line must be a fact of the vocabulary or the expiry check; rules, other
 * checks, scopes, and values of other types refuse the ticket.
 */
export function parseBlock(source: string): Claims {
  const draft: Draft = {};
  for (const line of source.split("\n")) if (line !== "") readLine(draft, line);
  const parsed = Claims.safeParse(draft);
  if (!parsed.success) throw fault["unknown-fact"](parsed.error.issues[0]?.path.join("."));
  return parsed.data;
}
