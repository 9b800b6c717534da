import { fault } from "./faults.ts";

/** Whose ticket it is, and for which hive. */
export interface Who {
  readonly subject: string;
  readonly hive: string;
}

/** One field of a protobuf message: a number, or bytes. */
type Field = readonly [number: number, value: number | Buffer];

/** The part of protobuf that a Biscuit is written in: varints and lengths. */
function* fields(bytes: Buffer): Generator<Field> {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 1; ; shift *= 128) {
      const byte = bytes[at++] ?? 0;
      value += (byte & 0x7f) * shift;
      if (byte < 0x80 || at > bytes.length) return value;
    }
  };
  while (at < bytes.length) {
    const tag = varint();
    const wire = tag & 7;
    const size = wire === 0 ? 0 : varint();
    if (wire !== 0 && wire !== 2) throw fault.ticket("it is no ticket");
    const start = at;
    at += size;
    yield [Math.floor(tag / 8), wire === 0 ? varint() : bytes.subarray(start, at)];
  }
}

function messages(bytes: Buffer, wanted: number): Buffer[] {
  return [...fields(bytes)].flatMap(([number, value]) =>
    number === wanted && Buffer.isBuffer(value) ? [value] : [],
  );
}

function scalar(bytes: Buffer | undefined, wanted: number): number | undefined {
  if (!bytes) return undefined;
  for (const [number, value] of fields(bytes))
    if (number === wanted && typeof value === "number") return value;
  return undefined;
}

/** Symbols below this number are the same in every Biscuit. */
const firstOwn = 1024;

/** The facts of a block that have one text, by name. */
function textsOf(block: Buffer, symbols: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const fact of messages(block, 4)) {
    const [predicate] = messages(fact, 1);
    const terms = predicate ? messages(predicate, 2) : [];
    const text = symbols[(scalar(terms[0], 3) ?? 0) - firstOwn];
    const name = symbols[(scalar(predicate, 1) ?? 0) - firstOwn];
    if (terms.length === 1 && name !== undefined && text !== undefined) found.set(name, text);
  }
  return found;
}

/**
 * Reads subject and hive out of a ticket without verifying it: whoever shows a forged one is refused by the hive.
 * Throws `worker.ticket` for what cannot be read.
 */
export function readWho(token: string): Who {
  const bytes = Buffer.from(token, "base64url");
  const signed = [...messages(bytes, 2), ...messages(bytes, 3)];
  const symbols: string[] = [];
  const told: { subject?: string; hive?: string } = {};
  for (const [block] of signed.map((each) => messages(each, 1))) {
    if (!block) continue;
    symbols.push(...messages(block, 1).map(String));
    Object.assign(told, Object.fromEntries(textsOf(block, symbols)));
  }
  const { subject, hive } = told;
  if (subject === undefined || hive === undefined) throw fault.ticket("it names no subject or hive");
  return { subject, hive };
}

/** The instants that a block's checks compare the time with, seconds since 1970. */
function datesOf(block: Buffer): readonly number[] {
  return messages(block, 6)
    .flatMap((check) => messages(check, 1))
    .flatMap((query) => messages(query, 3))
    .flatMap((expression) => messages(expression, 1))
    .flatMap((step) => messages(step, 1))
    .flatMap((term) => scalar(term, 4) ?? []);
}

/**
 * When a ticket expires, milliseconds since 1970, without verifying it; nothing where it never does or cannot be read.
 */
export function readExpiry(token: string): number | undefined {
  try {
    const bytes = Buffer.from(token, "base64url");
    const signed = [...messages(bytes, 2), ...messages(bytes, 3)];
    const dates = signed.flatMap((each) => messages(each, 1)).flatMap(datesOf);
    return dates.length > 0 ? Math.min(...dates) * 1000 : undefined;
  } catch {
    return undefined;
  }
}
