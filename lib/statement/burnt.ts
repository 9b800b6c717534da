import { fault } from "./faults.ts";
import { parseMoment, printMoment } from "./moment.ts";

/** The nonces of a file that is only appended to. */
export interface BurntNonces {
  has(nonce: string): boolean;
  /** Bytes of the file that hold whole lines. What follows was torn by a crash: cut it off before appending. */
  readonly whole: number;
  /** The file without nonces of statements that are past at `now` (seconds since 1970 UTC), to be put in its place. */
  prune(now: number): string;
}

type Burning = { readonly nonce: string; readonly notAfter: number };

/**
 * The line to be appended and made durable before the act: whoever finds it after a crash must not begin again.
 * Throws `statement.value`.
 */
export function printBurnt({ nonce, notAfter }: Burning): string {
  const line = `${nonce} ${printMoment(notAfter)}\n`;
  if (!parseLine(line.slice(0, -1))) throw fault.value(`nonce ${nonce}`);
  return line;
}

function parseLine(line: string): readonly [nonce: string, notAfter: number] | undefined {
  const [nonce = "", moment = "", ...rest] = line.split(" ");
  const notAfter = parseMoment(moment);
  if (!/^[0-9a-f]{32,64}$/.test(nonce) || notAfter === undefined || rest.length > 0) return undefined;
  return [nonce, notAfter];
}

/**
 * Reads the file. A last line without its newline was torn while it was written: its act has not begun, and it does not
 * count. Throws `statement.burnt` for any other line that is none: a damaged file lets nothing run.
 */
export function parseBurnt(source: string | Uint8Array): BurntNonces {
  const text = typeof source === "string" ? source : Buffer.from(source).toString("latin1");
  const whole = text.lastIndexOf("\n") + 1;
  const burnt = new Map<string, number>();
  for (const [at, line] of text.slice(0, whole).split("\n").slice(0, -1).entries()) {
    const [nonce, notAfter] = parseLine(line) ?? [];
    if (nonce === undefined || notAfter === undefined) throw fault.burnt(`line ${at + 1}`);
    burnt.set(nonce, Math.max(notAfter, burnt.get(nonce) ?? 0));
  }
  return {
    whole,
    has: (nonce) => burnt.has(nonce),
    prune: (now) =>
      [...burnt]
        .filter(([, notAfter]) => notAfter >= now)
        .map(([nonce, notAfter]) => printBurnt({ nonce, notAfter }))
        .join(""),
  };
}
