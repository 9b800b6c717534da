import type { Claims } from "./claims.ts";
import { claimsOf, type Fact, sayingsOf, type Term } from "./facts.ts";
import { fault } from "./faults.ts";
import { parseInstant, printInstant } from "./instant.ts";

const term = String.raw`"[^"\\\p{C}]*"|\d{1,16}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ`;
const factForm = new RegExp(`^([a-z]+)\\((${term})(?:, (${term}))?(?:, (${term}))?\\);$`, "u");
const expiryForm = /^check if time\((\$\w+)\), \1 <= ([\dTZ:-]+);$/;

function printTerm(value: Term): string {
  if (typeof value === "string") return `"${value}"`;
  return typeof value === "number" ? String(value) : printInstant(value.instant);
}

/** Writes one block in the closed vocabulary; strings are printed bare because no claim may hold what needs an escape. */
export function printBlock(claims: Claims): string {
  const { facts, expiry } = sayingsOf(claims);
  const lines = facts.map(([name, ...terms]) => `${name}(${terms.map(printTerm).join(", ")});`);
  if (expiry !== undefined) lines.push(`check if time($t), $t <= ${printInstant(expiry)};`);
  return lines.map((line) => `${line}\n`).join("");
}

function readTerm(text: string): Term {
  if (text.startsWith('"')) return text.slice(1, -1);
  if (/^\d+$/.test(text)) return Number(text);
  const instant = parseInstant(text);
  if (instant === undefined) throw fault["unknown-fact"]();
  return { instant };
}

function readFact(line: string): Fact {
  const found = factForm.exec(line);
  if (!found) throw fault["unknown-fact"]();
  const terms = found.slice(2).filter((text) => text !== undefined);
  return [found[1] ?? "", ...terms.map(readTerm)];
}

/**
 * Reads one block as Biscuit prints it. Each line must be a fact of the vocabulary or the expiry check; rules, other
 * checks, scopes, and values of other types refuse the ticket.
 */
export function parseBlock(source: string): Claims {
  const facts: Fact[] = [];
  let expiry: number | undefined;
  for (const line of source.split("\n")) {
    if (line === "") continue;
    const until = expiryForm.exec(line)?.[2];
    if (until === undefined) {
      facts.push(readFact(line));
      continue;
    }
    const instant = parseInstant(until);
    if (instant === undefined || expiry !== undefined) throw fault["unknown-fact"]("check");
    expiry = instant;
  }
  return claimsOf({ facts, expiry });
}
