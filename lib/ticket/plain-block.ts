import type { Claims } from "./claims.ts";
import { claimsOf, type Fact, sayingsOf, type Term } from "./facts.ts";
import { bytesIn, type Field, field, fieldsOf, numberIn } from "./proto.ts";

/** Symbols that every Biscuit knows without naming them, by their number. */
const known =
  "read write resource operation right time role owner tenant namespace user team service admin email group member ip_address client client_ip domain path version cluster node hostname nonce query".split(
    " ",
  );
/** Number of the first symbol that a block names itself. */
const firstOwn = 1024;
/** Version of the format that a block without anything new has. */
const version = 3;
const lessOrEqual = 2;

/** Numbers of texts, given in the order in which they are first used. */
class Symbols {
  readonly own: string[] = [];
  readonly #numbers = new Map<string, number>();

  of(text: string): number {
    const number = this.#numbers.get(text) ?? known.indexOf(text);
    if (number >= 0) return number;
    this.#numbers.set(text, firstOwn + this.own.length);
    return firstOwn + this.own.push(text) - 1;
  }
}

function termOf(symbols: Symbols, term: Term): Buffer {
  if (typeof term === "number") return field(2, term);
  return typeof term === "string" ? field(3, symbols.of(term)) : field(4, term.instant);
}

function factOf(symbols: Symbols, [name, ...terms]: Fact): Buffer {
  const head = field(1, symbols.of(name));
  const predicate = [head, ...terms.map((term) => field(2, termOf(symbols, term)))];
  return field(4, field(1, Buffer.concat(predicate)));
}

/** `check if time($t), $t <= …`: a query over one fact with one expression, as the library compiles it. */
function expiryOf(symbols: Symbols, instant: number): Buffer {
  const head = field(1, field(1, symbols.of("query")));
  const name = field(1, symbols.of("time"));
  const variable = field(1, symbols.of("t"));
  const body = field(2, Buffer.concat([name, field(2, variable)]));
  const steps = [
    field(1, field(1, variable)),
    field(1, field(1, termOf(symbols, { instant }))),
    field(1, field(3, field(1, lessOrEqual))),
  ];
  return field(6, field(1, Buffer.concat([head, body, field(3, Buffer.concat(steps))])));
}

/** The bytes of a first block with these claims: those that the library makes of what `printBlock` writes. */
export function encodeBlock(claims: Claims): Buffer {
  const symbols = new Symbols();
  const { facts, expiry } = sayingsOf(claims);
  const said = facts.map((fact) => factOf(symbols, fact));
  if (expiry !== undefined) said.push(expiryOf(symbols, expiry));
  return Buffer.concat([...symbols.own.map((text) => field(1, text)), field(3, version), ...said]);
}

function textOf(number: number | undefined, own: readonly string[]): string {
  if (number === undefined) return "";
  return (number < firstOwn ? known[number] : own[number - firstOwn]) ?? "";
}

function readTerm(term: readonly Field[], own: readonly string[]): Term {
  const instant = numberIn(term, 4);
  if (instant !== undefined) return { instant };
  return numberIn(term, 2) ?? textOf(numberIn(term, 3), own);
}

function readFact(fact: Buffer, own: readonly string[]): Fact {
  const predicate = fieldsOf(bytesIn(fieldsOf(fact), 1));
  const terms = predicate.flatMap(([, value]) => (typeof value === "number" ? [] : [fieldsOf(value)]));
  return [textOf(numberIn(predicate, 1), own), ...terms.map((term) => readTerm(term, own))];
}

/** The date in a check of the shape that `expiryOf` writes. */
function readExpiry(check: Buffer): number | undefined {
  const expression = fieldsOf(bytesIn(fieldsOf(bytesIn(fieldsOf(check), 1)), 3));
  const date = expression[1]?.[1];
  return typeof date === "number" ? undefined : numberIn(fieldsOf(bytesIn(fieldsOf(date), 1)), 4);
}

/**
 * The claims of a first block of the shape that this package mints; undefined for every other, valid or not. The
 * reading may be careless, because what was read is written again: only equal bytes are believed, so that nothing
 * means one thing here and another to the library.
 */
export function decodeBlock(block: Buffer): Claims | undefined {
  const fields = fieldsOf(block);
  const all = (number: number) =>
    fields.flatMap(([each, value]) => (each === number && typeof value !== "number" ? [value] : []));
  const own = all(1).map(String);
  const [check] = all(6);
  try {
    const facts = all(4).map((fact) => readFact(fact, own));
    const claims = claimsOf({ facts, expiry: check && readExpiry(check) });
    return encodeBlock(claims).equals(block) ? claims : undefined;
  } catch {
    return undefined;
  }
}
