import { Fault } from "@skep/fault";
import { consoleLimits, type Limits } from "./limits.ts";
import { type Verb, verbOf } from "./verbs.ts";

/** Verbs that stand alone on their line. */
export type BareVerb = "PING" | "LOG" | "QUIT" | "HELP" | "BI" | "CAPS" | "MEM" | "NETSTATS" | "NETTEST";

/** One parsed console line. Strings hold no CR or LF; paths, roles, ids and tickets hold no blank. */
export type Command =
  | { readonly verb: BareVerb }
  | { readonly verb: "LS" | "CAT" | "TAIL"; readonly path: string }
  | { readonly verb: "ECHO"; readonly path: string; readonly payload: string }
  | { readonly verb: "SPAWN"; readonly payload: string }
  | { readonly verb: "KILL"; readonly worker: string }
  | { readonly verb: "ATTACH"; readonly role: string; readonly ticket?: string }
  | { readonly verb: "CACHELOG"; readonly count?: number }
  | { readonly verb: "TEST"; readonly mode?: "quick" | "full" };

/** A line that is no command; `detail` has the exact text for the console. */
export class LineFault extends Fault {
  /** The verb whose answer the client waits for, or `PARSE` where none was recognised. */
  readonly verb: Verb | "PARSE";
  readonly text: string;

  constructor(verb: Verb | "PARSE", text: string) {
    const long = text.endsWith("length");
    super(
      long ? "oversize" : "invalid",
      long ? "grammar.too-long" : "grammar.line",
      `Cannot parse line: ${text}`,
      {
        detail: text,
        cure: "Send HELP for the verbs",
      },
    );
    this.verb = verb;
    this.text = text;
  }
}

/**
 * Most characters of the payload of an ECHO whose path takes more than others, from the line or its first 24 characters: the
 * original's own lines of leases and telemetry records are longer than the 128 that its image takes. Undefined for any other line.
 */
export function longEcho(line: string, { payloads }: Limits = consoleLimits): number | undefined {
  const [, path = ""] = /^[ \t]*echo[ \t]+(\/[^ \t]*)/i.exec(line) ?? [];
  return Object.entries(payloads).find(([below]) => path.startsWith(below))?.[1];
}

/** Characters as people count them in limits: code points, so that one that needs two units counts once. */
function lengthOf(text: string): number {
  let length = text.length;
  for (let at = 0; at < text.length; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) length--;
  return length;
}

interface Rest {
  readonly verb: Verb;
  /** Everything behind the verb and one blank. */
  readonly text: string;
  readonly limits: Limits;
  readonly long: boolean;
}

function word(rest: Rest, name: string, most: number): [string, string] {
  const found = /^[ \t]*([^ \t]+)[ \t]?/.exec(rest.text);
  if (!found) throw new LineFault(rest.verb, `missing required argument: ${name}`);
  const value = found[1] ?? "";
  if (lengthOf(value) > most) throw new LineFault(rest.verb, `argument ${name} exceeds allowed length`);
  return [value, rest.text.slice(found[0].length)];
}

function payload(rest: Rest, text: string, most: number): string {
  if (text.trim() === "") throw new LineFault(rest.verb, "missing required argument: payload");
  if (lengthOf(text) > most) throw new LineFault(rest.verb, "argument payload exceeds allowed length");
  return text;
}

function attach(rest: Rest): Command {
  const [role, after] = word(rest, "role", rest.limits.role);
  if (after.trim() === "") return { verb: "ATTACH", role };
  const most = rest.long ? rest.limits.longTicket : rest.limits.ticket;
  return { verb: "ATTACH", role, ticket: word({ ...rest, text: after }, "ticket", most)[0] };
}

function cachelog(rest: Rest): Command {
  const text = rest.text.trim();
  if (text === "") return { verb: "CACHELOG" };
  if (!/^\d{1,6}$/.test(text)) throw new LineFault("CACHELOG", "invalid value for argument count");
  return { verb: "CACHELOG", count: Number(text) };
}

function test(rest: Rest): Command {
  const text = rest.text.trim().toLowerCase();
  if (text === "") return { verb: "TEST" };
  const mode = /^(?:--mode[ \t]+)?(quick|full)$/.exec(text)?.[1];
  if (mode !== "quick" && mode !== "full") throw new LineFault("TEST", "invalid value for argument test");
  return { verb: "TEST", mode };
}

type Reader = (rest: Rest) => Command;
const pathOf = (rest: Rest) => word(rest, "path", rest.limits.path);
const readers: { readonly [V in Exclude<Verb, BareVerb>]: Reader } = {
  LS: (rest) => ({ verb: "LS", path: pathOf(rest)[0] }),
  CAT: (rest) => ({ verb: "CAT", path: pathOf(rest)[0] }),
  TAIL: (rest) => ({ verb: "TAIL", path: pathOf(rest)[0] }),
  ECHO: (rest) => {
    const [path, after] = pathOf(rest);
    const most = longEcho(`ECHO ${path}`, rest.limits) ?? rest.limits.payload;
    return { verb: "ECHO", path, payload: payload(rest, after, most) };
  },
  SPAWN: (rest) => ({ verb: "SPAWN", payload: payload(rest, rest.text.trim(), rest.limits.spawn) }),
  KILL: (rest) => ({ verb: "KILL", worker: word(rest, "worker", rest.limits.worker)[0] }),
  ATTACH: attach,
  CACHELOG: cachelog,
  TEST: test,
};

const hasReader = (verb: Verb): verb is Exclude<Verb, BareVerb> => Object.hasOwn(readers, verb);

/**
 * Parses one console line (facts §4). The verb's case does not matter; words behind the last argument are ignored. The
 * payload of ECHO is everything behind one blank after the path, as it stands.
 * @throws LineFault with the original's error text; it names the verb wherever one was recognised.
 */
export function parseCommand(line: string, limits: Limits = consoleLimits): Command {
  if (/[\r\n]/.test(line)) throw new LineFault("PARSE", "empty command");
  const found = /^[ \t]*([^ \t]+)[ \t]?/.exec(line);
  if (!found) throw new LineFault("PARSE", "empty command");
  const verb = verbOf(found[1] ?? "");
  if (verb === undefined) throw new LineFault("PARSE", "unsupported console command");
  const long = lengthOf(line) > limits.line;
  if (long && verb !== "ATTACH" && longEcho(line, limits) === undefined)
    throw new LineFault(verb, "argument line exceeds allowed length");
  if (!hasReader(verb)) return { verb };
  return readers[verb]({ verb, text: line.slice(found[0].length), limits, long });
}

/** The line of a command; `parseCommand` gives the command back. */
export function printCommand(command: Command): string {
  switch (command.verb) {
    case "LS":
    case "CAT":
    case "TAIL":
      return `${command.verb} ${command.path}`;
    case "ECHO":
      return `ECHO ${command.path} ${command.payload}`;
    case "SPAWN":
      return `SPAWN ${command.payload}`;
    case "KILL":
      return `KILL ${command.worker}`;
    case "ATTACH":
      return `ATTACH ${command.role} ${command.ticket ?? ""}`;
    case "CACHELOG":
      return command.count === undefined ? "CACHELOG" : `CACHELOG ${command.count}`;
    case "TEST":
      return command.mode === undefined ? "TEST" : `TEST --mode ${command.mode}`;
    default:
      return command.verb;
  }
}

/** The token of an `AUTH <token>` line, or undefined where the line is none. Never log it. */
export function parseAuth(line: string): string | undefined {
  const found = /^[ \t]*auth[ \t]+([^ \t\r\n]+)[ \t]*$/i.exec(line);
  return found?.[1];
}
