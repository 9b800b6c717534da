import {
  ackOf,
  clientLine,
  type Command,
  guardLine,
  LineFault,
  parseCommand,
  printErr,
  printOk,
  printRefusal,
  summarize,
  verbs,
} from "@skep/grammar";
import { toFault } from "@skep/fault";
import { escapeForeign } from "@skep/text";
import { type HttpClient, Refused } from "./client.ts";
import type { FsReply } from "./answers.table.ts";

/** What the console runs on: the verbs of HTTP, with the session that is there. */
export type ConsoleVerbs = Pick<HttpClient, "fs" | "echo">;

const log = "/log/queen.log";
const control = "/queen/ctl";

const shown = (text: string): string => escapeForeign(text, { form: "wire" });
const sizeOf = (text: string): number => new TextEncoder().encode(text).length;
const refused = (verb: string, answer: FsReply): string => `ERR ${verb} ${answer.error ?? "reason=policy"}`;
const bare = (line: string): string => line.replace(/ path=\S+/, "");

function lines(found: readonly string[]): readonly string[] {
  return found.map((line) => guardLine(shown(line)));
}

async function ls(api: ConsoleVerbs, path: string): Promise<readonly string[]> {
  const answer = await api.fs("ls", path);
  if (answer.status === "ERR") return [refused("LS", answer)];
  return [
    printOk("LS", [`path=${shown(path)}`, `entries=${answer.lines.length}`]),
    ...lines(answer.lines),
    "END",
  ];
}

async function cat(api: ConsoleVerbs, path: string): Promise<readonly string[]> {
  const answer = path === log ? await api.fs("tail", path, 128) : await api.fs("cat", path);
  if (answer.status === "ERR") return [refused("CAT", answer)];
  const data = `data=${summarize(shown(path), answer.lines.map(shown))}`;
  return [printOk("CAT", [`path=${shown(path)}`, data]), ...lines(answer.lines), "END"];
}

async function tail(api: ConsoleVerbs, path: string): Promise<readonly string[]> {
  const answer = await api.fs("tail", path, path === log ? 64 : undefined);
  // The original names an invalid path without `error=` here.
  if (answer.status === "ERR") return [refused("TAIL", answer).replace(" error=invalid path", "")];
  return [printOk("TAIL", [`path=${shown(path)}`]), ...lines(answer.lines), "END"];
}

async function tailLog(api: ConsoleVerbs): Promise<readonly string[]> {
  const answer = await api.fs("tail", log, 64);
  return answer.status === "ERR" ? [refused("LOG", answer)] : [printOk("LOG"), ...lines(answer.lines), "END"];
}

async function echo(api: ConsoleVerbs, path: string, payload: string): Promise<readonly string[]> {
  const answer = await api.echo(path, payload);
  if (answer.status === "ERR") return [refused("ECHO", answer)];
  return [printOk("ECHO", [`path=${shown(path)}`, `bytes=${sizeOf(payload)}`])];
}

async function order(
  api: ConsoleVerbs,
  verb: "SPAWN" | "KILL",
  piece: string,
  line: string,
): Promise<readonly string[]> {
  const answer = await api.echo(control, line);
  return answer.status === "ERR"
    ? [printOk(verb, [piece]), bare(refused(verb, answer))]
    : [printOk(verb, [piece])];
}

function help(): readonly string[] {
  const rows = Object.values(verbs);
  const width = Math.max(...rows.map(({ usage }) => usage.length));
  return [printOk("HELP"), ...rows.map(({ usage, doc }) => `${usage.padEnd(width)}  ${doc}`)];
}

/** What goes to the console: capitals as they stand, other words in the forms that the original's client takes. */
function lineOf(typed: string): string {
  const line = typed.trim();
  return /^[A-Z]+(?:[ \t]|$)/.test(line) ? line : clientLine(line);
}

type Run<V extends Command["verb"]> = (
  api: ConsoleVerbs,
  command: Extract<Command, { verb: V }>,
  role: string,
) => Promise<readonly string[]> | readonly string[];

const runs: { readonly [V in Command["verb"]]?: Run<V> } = {
  LS: (api, { path }) => ls(api, path),
  CAT: (api, { path }) => cat(api, path),
  TAIL: (api, { path }) => tail(api, path),
  LOG: (api) => tailLog(api),
  ECHO: (api, { path, payload }) => echo(api, path, payload),
  SPAWN: (api, { payload }) => order(api, "SPAWN", `payload=${shown(payload)}`, payload),
  KILL: (api, { worker }) => order(api, "KILL", `id=${shown(worker)}`, JSON.stringify({ kill: worker })),
  PING: () => [printOk("PING", ["reply=pong"]), "PONG"],
  HELP: () => help(),
  // The session that there is attaches as what it is, and as nothing else.
  ATTACH: (_, { role: wanted }, role) =>
    wanted.toLowerCase() === role
      ? [printOk("ATTACH", [`role=${role}`])]
      : [printErr({ verb: "ATTACH", reason: "policy", detail: "denied", error: "EPERM" })],
  QUIT: () => [printOk("QUIT")],
  CACHELOG: () => [printOk("CACHELOG"), "cachelog entries=0"],
};

/**
 * One line as people type it, over HTTP: the lines of its answer, as the console itself gives them. A line in capitals
 * is the console's own; other words are what the original's client takes. What only the console's own host tells (BI,
 * MEM, NETSTATS, TEST …) is refused. Never throws.
 */
export async function consoleLines(
  api: ConsoleVerbs,
  typed: string,
  role: string,
): Promise<readonly string[]> {
  let verb = "PARSE";
  try {
    const command = parseCommand(lineOf(typed));
    verb = ackOf(command.verb);
    const run = runs[command.verb] as Run<Command["verb"]> | undefined;
    return run ? await run(api, command, role) : [printErr({ verb, reason: "policy", detail: "host-only" })];
  } catch (thrown) {
    if (thrown instanceof Refused) {
      const { reason, code } = thrown.problem;
      return [printErr({ verb, reason, detail: code })];
    }
    const parsed = thrown instanceof LineFault && thrown.verb !== "PARSE" ? ackOf(thrown.verb) : verb;
    return [printRefusal(parsed, toFault(thrown))];
  }
}

/** Completions of what is typed: verbs, then paths. */
export async function consoleCompletions(api: ConsoleVerbs, typed: string): Promise<readonly string[]> {
  const [, head = "", word = ""] = /^(.*\s)?(\S*)$/.exec(typed) ?? [];
  if (head === "")
    return Object.keys(verbs).filter((verb) => verb.startsWith(word.toUpperCase()) && word !== "");
  if (!word.startsWith("/")) return [];
  const cut = word.lastIndexOf("/");
  const dir = cut === 0 ? "/" : word.slice(0, cut);
  const answer = await api.fs("ls", dir);
  if (answer.status === "ERR") return [];
  const below = dir === "/" ? "" : dir;
  return answer.lines
    .filter((name) => name.startsWith(word.slice(cut + 1)))
    .map((name) => `${head}${below}/${name}`);
}
