import {
  ackOf,
  clientLine,
  guardLine,
  parseCommand,
  printErr,
  printOk,
  refusalOf,
  summarize,
  verbs,
} from "@skep/grammar";
import { toFault } from "@skep/fault";
import type { Api, FsAnswer } from "../net/api.ts";

/** What the console runs on: the verbs of HTTP, with the page's own session. */
export type Verbs = Pick<Api, "fs" | "echo">;

/** Who is attached, for CAPS and ATTACH. */
export interface Attached {
  readonly role: string;
}

const log = "/log/queen.log";
const control = "/queen/ctl";

// The grammar counts bytes the way Node does.
const counted = { byteLength: (text: string): number => new TextEncoder().encode(text).length };
(globalThis as { Buffer?: unknown }).Buffer ??= counted;

const sizeOf = (text: string): number => new TextEncoder().encode(text).length;
const refused = (verb: string, answer: FsAnswer): string => `ERR ${verb} ${answer.error ?? "reason=policy"}`;
const bare = (line: string): string => line.replace(/ path=\S+/, "");

function lines(found: readonly string[]): readonly string[] {
  return found.map(guardLine);
}

async function ls(api: Verbs, path: string): Promise<readonly string[]> {
  const answer = await api.fs("ls", path);
  if (answer.status === "ERR") return [refused("LS", answer)];
  return [printOk("LS", [`path=${path}`, `entries=${answer.lines.length}`]), ...lines(answer.lines), "END"];
}

async function cat(api: Verbs, path: string): Promise<readonly string[]> {
  const answer = path === log ? await api.fs("tail", path, "&lines=128") : await api.fs("cat", path);
  if (answer.status === "ERR") return [refused("CAT", answer)];
  const data = `data=${summarize(path, answer.lines)}`;
  return [printOk("CAT", [`path=${path}`, data]), ...lines(answer.lines), "END"];
}

async function tail(api: Verbs, path: string): Promise<readonly string[]> {
  const answer = await api.fs("tail", path, path === log ? "&lines=64" : "");
  // The original names an invalid path without `error=` here.
  if (answer.status === "ERR") return [refused("TAIL", answer).replace(" error=invalid path", "")];
  return [printOk("TAIL", [`path=${path}`]), ...lines(answer.lines), "END"];
}

async function echo(api: Verbs, path: string, payload: string): Promise<readonly string[]> {
  const answer = await api.echo(path, payload);
  if (answer.status === "ERR") return [refused("ECHO", answer)];
  return [printOk("ECHO", [`path=${path}`, `bytes=${sizeOf(payload)}`])];
}

async function order(
  api: Verbs,
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

/** Runs one line as people type it; gives the lines of the answer, as the console itself would. */
export async function run(api: Verbs, typed: string, { role }: Attached): Promise<readonly string[]> {
  let verb = "PARSE";
  try {
    const command = parseCommand(lineOf(typed));
    verb = command.verb;
    switch (command.verb) {
      case "LS":
        return await ls(api, command.path);
      case "CAT":
        return await cat(api, command.path);
      case "TAIL":
        return await tail(api, command.path);
      case "LOG": {
        const { lines: found } = await api.fs("tail", log, "&lines=64");
        return [printOk("LOG"), ...lines(found), "END"];
      }
      case "ECHO":
        return await echo(api, command.path, command.payload);
      case "SPAWN":
        return await order(api, "SPAWN", `payload=${command.payload}`, command.payload);
      case "KILL":
        return await order(api, "KILL", `id=${command.worker}`, JSON.stringify({ kill: command.worker }));
      case "PING":
        return [printOk("PING", ["reply=pong"]), "PONG"];
      case "HELP":
        return help();
      case "ATTACH":
        // The page's session is the one that there is: its role is what it attaches as.
        return command.role === role
          ? [printOk("ATTACH", [`role=${role}`])]
          : [printErr({ verb: "ATTACH", reason: "policy", detail: "denied", error: "EPERM" })];
      case "QUIT":
        return [printOk("QUIT")];
      case "CACHELOG":
        return [printOk("CACHELOG"), "cachelog entries=0"];
      default:
        return [printErr({ verb: ackOf(command.verb), reason: "policy", detail: "host-only" })];
    }
  } catch (thrown) {
    const found = thrown as { verb?: string; text?: string; problem?: { code: string; reason?: string } };
    if (typeof found.text === "string" && typeof found.verb === "string")
      return [printErr({ verb: found.verb, reason: "policy", detail: "parse", error: found.text })];
    if (found.problem)
      return [printErr({ verb, reason: found.problem.reason ?? "cut", detail: found.problem.code })];
    return [printErr(refusalOf(verb, toFault(thrown)))];
  }
}

/** Completions of what is typed: verbs, then paths. */
export async function complete(api: Verbs, typed: string): Promise<readonly string[]> {
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
