import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { faults } from "@skep/fault";

const fault = faults("offer", {
  damaged: ["corrupt", "Cannot read offer: it is damaged"],
  forged: ["denied", "Cannot use offer: its signature does not hold"],
  expired: ["stale", "Cannot use offer: it expired"],
});

/** What a machine that knows no hive lends, and until when. */
export interface Offer {
  /** Ed25519 public key of the machine's identity, 64 hex digits. */
  readonly node: string;
  readonly arch: string;
  readonly cpu_cores: number;
  readonly memory_mb: number;
  /** Longest time of one job. */
  readonly timeout_seconds: number;
  readonly wasm_runtime: string;
  readonly supported_kinds: readonly string[];
  /** Milliseconds since 1970. */
  readonly made: number;
  /** Milliseconds since 1970. */
  readonly until: number;
}

const context = "skep offer v1\n";
const spki = Buffer.from("302a300506032b6570032100", "hex");
const longest = 4096;
/** Milliseconds that an offer may be made before our own time, and after. */
const skew = 10 * 60_000;

/** The offer as one line of JSON and one of its signature by the machine's identity. */
export function printOffer(offer: Offer, key: KeyObject): string {
  const body = JSON.stringify(offer);
  return `${body}\n${sign(null, Buffer.from(context + body), key).toString("hex")}\n`;
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
const isWord = (value: unknown): boolean => typeof value === "string" && /^[\w.-]{1,32}$/.test(value);

const fields: Readonly<Record<keyof Offer, (value: unknown) => boolean>> = {
  node: (value) => typeof value === "string" && /^[0-9a-f]{64}$/.test(value),
  arch: isWord,
  cpu_cores: isCount,
  memory_mb: isCount,
  timeout_seconds: isCount,
  wasm_runtime: isWord,
  supported_kinds: (value) => Array.isArray(value) && value.length <= 8 && value.every(isWord),
  made: isCount,
  until: isCount,
};

function read(body: string): Offer {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch (cause) {
    throw fault.damaged("it is no JSON", { cause });
  }
  if (typeof value !== "object" || value === null) throw fault.damaged("it is no object");
  const given = value as Readonly<Record<string, unknown>>;
  for (const [name, holds] of Object.entries(fields))
    if (!holds(given[name])) throw fault.damaged(`it has no ${name}`);
  return Object.fromEntries(Object.keys(fields).map((name) => [name, given[name]])) as unknown as Offer;
}

/** Reads what `printOffer` made, against the clock. Throws `offer.damaged`, `offer.forged` and `offer.expired`, in that order. */
export function parseOffer(text: string, now: number): Offer {
  const [body = "", signature = "", end] = text.split("\n");
  if (text.length > longest || end !== "" || !/^[0-9a-f]{128}$/.test(signature)) throw fault.damaged();
  const offer = read(body);
  const der = Buffer.concat([spki, Buffer.from(offer.node, "hex")]);
  const key = createPublicKey({ key: der, format: "der", type: "spki" });
  if (!verify(null, Buffer.from(context + body), key, Buffer.from(signature, "hex"))) throw fault.forged();
  if (offer.until <= now || offer.made > now + skew || offer.made >= offer.until) throw fault.expired();
  return offer;
}
