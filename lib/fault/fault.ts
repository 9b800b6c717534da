import { type FaultKind, type Kind, kinds } from "./kinds.ts";

/** What may stand beside a fault's message. */
export interface FaultExtra {
  /** The next step that cures it, one sentence. */
  readonly cure?: string;
  /** A tag for the console's `detail=`. */
  readonly detail?: string;
  readonly cause?: unknown;
}

/** A refusal or failure with a stable code. */
export class Fault extends Error {
  readonly kind: FaultKind;
  /** Open, stable and documented, as in `jobs.ended`. */
  readonly code: string;
  readonly cure: string | undefined;
  readonly detail: string | undefined;

  constructor(kind: FaultKind, code: string, message: string, extra: FaultExtra = {}) {
    super(message, extra.cause === undefined ? undefined : { cause: extra.cause });
    this.name = "Fault";
    this.kind = kind;
    this.code = code;
    this.cure = extra.cure;
    this.detail = extra.detail;
  }

  get row(): Kind {
    return kinds[this.kind];
  }
}

type Declared = Record<
  string,
  readonly [kind: FaultKind, message: string, extra?: Omit<FaultExtra, "cause">]
>;
type Makers<T extends Declared> = {
  readonly [Name in keyof T]: (what?: unknown, extra?: FaultExtra) => Fault;
};

function quote(what: unknown): string {
  const text = String(what);
  const shown = text.length > 120 ? `${text.slice(0, 117)}…` : text;
  return JSON.stringify(shown);
}

/**
 * Declares the faults of one area: `faults("jobs", { ended: ["conflict", "Cannot cancel job that already ended"] })`
 * gives `ended(what)`, whose code is `jobs.ended` and whose message ends with the quoted `what`.
 */
export function faults<T extends Declared>(area: string, declared: T): Makers<T> {
  const made: Record<string, (what?: unknown, extra?: FaultExtra) => Fault> = {};
  for (const [name, [kind, message, own]] of Object.entries(declared))
    made[name] = (what, extra) =>
      new Fault(kind, `${area}.${name}`, what === undefined ? message : `${message}: ${quote(what)}`, {
        ...own,
        ...extra,
      });
  return made as Makers<T>;
}

/** What was thrown, as a fault: anything that is none becomes `internal`, its cause kept. */
export function toFault(thrown: unknown): Fault {
  if (thrown instanceof Fault) return thrown;
  return new Fault("internal", "internal", "Cannot go on: internal error", { cause: thrown });
}

/** The kind whose errno this is, or `internal`. */
export function kindOfErrno(errno: number): FaultKind {
  const found = (Object.keys(kinds) as FaultKind[]).find((name) => kinds[name].errno === errno);
  return found ?? "internal";
}
