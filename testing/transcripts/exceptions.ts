import type { FaultKind } from "@skep/fault";
import { consoleLimits, type ErrReply } from "@skep/grammar";

/** What a step asks of a console. */
export interface Act {
  readonly verb: "LS" | "CAT" | "ECHO";
  readonly path: string;
  /** The longest line that is appended; empty for reads. */
  readonly text: string;
}

/** Something that an edge does otherwise, by its nature or by what it stands in for. */
export interface Exception {
  readonly why: string;
  applies(act: Act): boolean;
  /** What it answers instead. */
  readonly answer: Pick<ErrReply, "reason" | "detail">;
}

const { path: longestPath, payload } = consoleLimits;
const depth = 8;
const lengthOf = ({ verb, path, text }: Act) => Buffer.byteLength(`${verb} ${path} ${text}`);

/**
 * Where the console answers otherwise than the session, all of it: its limits are those of the original, and it does
 * not wait for what is yet to come. A transcript's step that meets one is checked to be refused so, and is then done
 * by a session of the same ticket.
 *
 * Besides, an edge tells less than the session: 9P's errors are an errno, so kinds that share one are one; the
 * console's are `reason=`, `detail=` and `error=` of the table in `@skep/grammar`. Codes and results are compared where
 * the actor can read `/proc/9p/session/self/answers`.
 */
export const consoleExceptions: readonly Exception[] = [
  {
    why: "a frame of the console holds 256 bytes",
    applies: (act) => act.verb === "ECHO" && lengthOf(act) > consoleLimits.line,
    answer: { reason: "invalid-length" },
  },
  {
    why: "a path on the console has at most 96 characters",
    applies: ({ path }) => path.length > longestPath,
    answer: { reason: "policy", detail: "argument path exceeds allowed length" },
  },
  {
    why: "ECHO takes 128 characters",
    applies: ({ text }) => text.length > payload,
    answer: { reason: "policy", detail: "argument payload exceeds allowed length" },
  },
  {
    why: "a path on the console has at most 8 names",
    applies: ({ path }) => path.split("/").length - 1 > depth,
    answer: { reason: "policy", detail: "invalid-path" },
  },
  {
    why: "the console answers with what is there and never waits",
    applies: ({ verb, path }) => verb !== "LS" && path.endsWith(".follow"),
    answer: { reason: "policy", detail: "unsupported" },
  },
];

/** Where the verbs of HTTP answer otherwise: what is followed is a stream of events there, which has no end. */
const httpExceptions: readonly Exception[] = [
  {
    why: "CAT over HTTP answers with what is there and never waits",
    applies: ({ verb, path }) => verb !== "LS" && path.endsWith(".follow"),
    answer: { reason: "policy", detail: "denied" },
  },
];

/** The exceptions of each edge that has some. */
export const exceptions: Readonly<Partial<Record<string, readonly Exception[]>>> = {
  console: consoleExceptions,
  http: httpExceptions,
};

/**
 * Codes that 9P tells as another kind: the fids of a session that was revoked or killed are still there to be clunked,
 * and every other use of them is no longer permitted.
 */
export const ninepKinds: Readonly<Record<string, FaultKind>> = { "session.closed": "denied" };

/**
 * Codes that an edge may tell instead: over HTTP a command is judged without a file being opened for it, so the gate
 * refuses what the open would have.
 */
export const otherCodes: Readonly<Record<string, string>> = { "session.write": "gate.denied" };
