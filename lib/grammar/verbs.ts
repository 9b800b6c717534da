interface VerbRow {
  /** What the acknowledgement calls it, where that differs. */
  readonly ack?: string;
  readonly usage: string;
  readonly doc: string;
  /** How the answer ends: at its ack, at `END`, at `PONG`, or nowhere that a client could see. */
  readonly ends: "ack" | "END" | "PONG" | "open";
  /** Works between AUTH and ATTACH. */
  readonly early?: true;
}

/** The 18 verbs: usage, doc, name in acknowledgements. HELP, the server and the clients read this table. */
export const verbs = {
  ATTACH: { usage: "ATTACH <role> [ticket]", doc: "start or replace the session", ends: "ack", early: true },
  PING: { usage: "PING", doc: "answer at once", ends: "PONG", early: true },
  LS: { usage: "LS <path>", doc: "list a directory", ends: "END" },
  CAT: { usage: "CAT <path>", doc: "read a file", ends: "END" },
  TAIL: { usage: "TAIL <path>", doc: "read the end of a stream", ends: "END" },
  LOG: { usage: "LOG", doc: "read the end of /log/queen.log", ends: "END" },
  ECHO: { usage: "ECHO <path> <line>", doc: "append one line", ends: "ack" },
  SPAWN: { usage: "SPAWN <json>", doc: "start a worker", ends: "ack" },
  KILL: { usage: "KILL <worker>", doc: "end a worker", ends: "ack" },
  HELP: { usage: "HELP", doc: "list the verbs", ends: "open", early: true },
  BI: { ack: "BOOTINFO", usage: "BI", doc: "what was started, and when", ends: "open", early: true },
  CAPS: { usage: "CAPS", doc: "what this console and session may do", ends: "open", early: true },
  MEM: { usage: "MEM", doc: "memory of the server", ends: "open", early: true },
  NETSTATS: { usage: "NETSTATS", doc: "counters of this console", ends: "open", early: true },
  NETTEST: { usage: "NETTEST", doc: "check the console's own path", ends: "open" },
  CACHELOG: { usage: "CACHELOG [count]", doc: "recent cache operations", ends: "open", early: true },
  TEST: { usage: "TEST [--mode quick|full]", doc: "self-test; runs in the client", ends: "ack" },
  QUIT: { usage: "QUIT", doc: "end the session", ends: "ack", early: true },
} as const satisfies Record<string, VerbRow>;

/** A verb in its canonical, upper-case form. */
export type Verb = keyof typeof verbs;

/** The verb that a word names, in any case. */
export function verbOf(word: string): Verb | undefined {
  const upper = word.toUpperCase();
  return Object.hasOwn(verbs, upper) ? (upper as Verb) : undefined;
}

/** The name of a verb in its acknowledgements. */
export function ackOf(verb: Verb): string {
  const row: VerbRow = verbs[verb];
  return row.ack ?? verb;
}

/** True where a verb works between AUTH and ATTACH. */
export function worksEarly(verb: Verb): boolean {
  const row: VerbRow = verbs[verb];
  return row.early === true;
}
