import { root } from "./files.ts";

/** How one test ended, as node:test tells it; crosses processes as it is. */
export interface Outcome {
  readonly name: string;
  readonly file: string;
  readonly nesting: number;
  readonly passed: boolean;
  readonly suite: boolean;
  readonly ms: number;
  /** The named reason of a skip. */
  readonly skip?: string;
  /** What went wrong, for people. */
  readonly why?: string;
}

interface Told {
  readonly name: string;
  readonly file?: string | undefined;
  readonly nesting: number;
  readonly skip?: string | boolean | undefined;
  readonly details: {
    readonly duration_ms: number;
    readonly type?: string | undefined;
    readonly error?: unknown;
  };
}

function whyOf(error: unknown): string {
  const cause = (error as { cause?: unknown } | undefined)?.cause ?? error;
  return cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
}

/** What an event of a test stream says of a test; undefined for other events. */
export function outcomeOf(type: string, data: unknown): Outcome | undefined {
  if (type !== "test:pass" && type !== "test:fail") return undefined;
  const { name, file = "", nesting, skip, details } = data as Told;
  const passed = type === "test:pass";
  return {
    name,
    file: file.replace(`${root}/`, ""),
    nesting,
    passed,
    // The line of a whole file counts only where no test of it tells why it failed: it crashed, hung or left early.
    suite: details.type === "suite" || (name === file && passed),
    ms: details.duration_ms,
    ...(skip ? { skip: typeof skip === "string" ? skip : "no reason given" } : {}),
    ...(passed ? {} : { why: whyOf(details.error) }),
  };
}
