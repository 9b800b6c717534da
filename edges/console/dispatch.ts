import { type Fault, faults, toFault } from "@skep/fault";
import {
  ackOf,
  type BareVerb,
  type Command,
  guardLine,
  printErr,
  printOk,
  printRefusal,
  summarize,
  worksEarly,
} from "@skep/grammar";
import { escapeForeign } from "@skep/text";
import {
  type About,
  bootLines,
  capsLines,
  type Counters,
  helpLines,
  memoryLines,
  netLines,
  testFrames,
} from "./about.ts";
import type { TicketMeter } from "./meter.ts";
import { type Awaitable, type ConsoleSession, then } from "./session.ts";
import { append, checkPath, lineOf, linesOf, list, readLines, readTail } from "./tree.ts";

const fault = faults("console", {
  frames: ["corrupt", "Cannot pass the console's self-test: frames were lost"],
});

const log = "/log/queen.log";
const control = "/queen/ctl";
const tailLines = 64;
const catLogLines = 128;

/** Who asks: an attached session with its ticket's limits. */
export interface Client {
  readonly session: ConsoleSession;
  readonly role: string;
  /** Present where a ticket was shown. */
  readonly meter: TicketMeter | undefined;
}

/** What the verbs that are not about files speak of. */
export interface Facts {
  readonly about: About;
  readonly counters: Counters;
  /** Milliseconds since the console started. */
  uptime(): number;
}

/** Lines of an answer, in the order in which they are sent. */
export type Answer = readonly string[];

const shown = (path: string) => escapeForeign(path, { form: "wire" });

function dataLines(client: Client, lines: readonly string[]): string[] {
  let bytes = 0;
  for (const line of lines) bytes += Buffer.byteLength(line);
  client.meter?.count(bytes);
  return lines.map(guardLine);
}

async function ls(client: Client, path: string): Promise<Answer> {
  checkPath(path);
  client.meter?.use(path, "read");
  const names = dataLines(client, (await list(client.session, path)).map(lineOf));
  return [printOk("LS", [`path=${shown(path)}`, `entries=${names.length}`]), ...names, "END"];
}

async function cat(client: Client, path: string): Promise<Answer> {
  checkPath(path);
  client.meter?.use(path, "read");
  // The log may be larger than any answer: its end stands for it.
  const found =
    path === log
      ? linesOf((await readTail(client.session, path, undefined)).bytes).slice(-catLogLines)
      : await readLines(client.session, path);
  const lines = dataLines(client, found);
  return [printOk("CAT", [`path=${shown(path)}`, `data=${summarize(shown(path), found)}`]), ...lines, "END"];
}

async function tailLog(client: Client): Promise<string[]> {
  client.meter?.use(log, "read");
  const { bytes } = await readTail(client.session, log, undefined);
  return dataLines(client, linesOf(bytes).slice(-tailLines));
}

async function tail(client: Client, path: string): Promise<Answer> {
  checkPath(path);
  if (path === log) return [printOk("TAIL", [`path=${path}`]), ...(await tailLog(client)), "END"];
  const { meter } = client;
  meter?.use(path, "read");
  const cursor = meter?.advance(path);
  const piece = await readTail(client.session, path, cursor);
  if (piece.restarted) meter?.resume(path);
  const lines = dataLines(client, linesOf(piece.bytes));
  meter?.moved(path, piece.next);
  const skipped = piece.skipped > 0 ? [`skipped=${piece.skipped}`] : [];
  return [printOk("TAIL", [`path=${shown(path)}`, ...skipped]), ...lines, "END"];
}

function echo(client: Client, path: string, payload: string): Awaitable<Answer> {
  checkPath(path);
  const size = Buffer.byteLength(payload);
  client.meter?.use(path, "write");
  client.meter?.count(size);
  return then(append(client.session, path, payload), () => [
    printOk("ECHO", [`path=${shown(path)}`, `bytes=${size}`]),
  ]);
}

/** SPAWN and KILL say OK for what they were given; where the verdict is a refusal, it follows. */
function order(client: Client, verb: "SPAWN" | "KILL", piece: string, line: string): Awaitable<Answer> {
  const received = printOk(verb, [piece]);
  const refused = (thrown: unknown): Answer => [received, printRefusal(verb, toFault(thrown))];
  try {
    client.meter?.use(control, "write");
    client.meter?.count(Buffer.byteLength(line));
    const done = append(client.session, control, line);
    return done instanceof Promise ? done.then(() => [received], refused) : [received];
  } catch (thrown) {
    return refused(thrown);
  }
}

async function netTest(client: Client): Promise<Answer> {
  const { sent, back } = testFrames();
  if (sent !== back) throw fault.frames(`${back} of ${sent}`);
  const names = await list(client.session, "/");
  return [
    printOk("NETTEST"),
    `nettest frames=${sent} back=${back}`,
    `nettest session entries=${names.length}`,
  ];
}

type Early = Exclude<BareVerb, "LOG" | "NETTEST"> | "CACHELOG";
const early: Record<Early, (facts: Facts, client: Client | undefined) => Answer> = {
  PING: () => [printOk("PING", ["reply=pong"]), "PONG"],
  QUIT: () => [printOk("QUIT")],
  HELP: () => [printOk("HELP"), ...helpLines()],
  BI: (facts) => [printOk(ackOf("BI")), ...bootLines(facts.about, facts.uptime())],
  CAPS: (_, client) => [printOk("CAPS"), ...capsLines(client?.role, client?.meter !== undefined)],
  MEM: (facts) => [printOk("MEM"), ...memoryLines(facts.about)],
  NETSTATS: (facts) => [printOk("NETSTATS"), ...netLines(facts.counters)],
  // The original logs operations on processor caches; this program makes none, so there are never any to show.
  CACHELOG: () => [printOk("CACHELOG"), "cachelog entries=0"],
};
const isEarly = (verb: string): verb is Early => Object.hasOwn(early, verb);

/** Where a command acts, for `path=` in its refusal. */
function placeOf(command: Command): string | undefined {
  return "path" in command ? shown(command.path) : undefined;
}

function perform(command: Exclude<Command, { verb: "ATTACH" }>, client: Client): Awaitable<Answer> {
  switch (command.verb) {
    case "LS":
      return ls(client, command.path);
    case "CAT":
      return cat(client, command.path);
    case "TAIL":
      return tail(client, command.path);
    case "LOG":
      return tailLog(client).then((lines) => [printOk("LOG"), ...lines, "END"]);
    case "ECHO":
      return echo(client, command.path, command.payload);
    case "SPAWN":
      return order(client, "SPAWN", `payload=${shown(command.payload)}`, command.payload);
    case "KILL":
      return order(client, "KILL", `id=${shown(command.worker)}`, JSON.stringify({ kill: command.worker }));
    case "NETTEST":
      return netTest(client);
    default:
      return [printErr({ verb: "TEST", reason: "policy", detail: "host-only" })];
  }
}

/** Carries out any command but ATTACH. Never throws: what goes wrong is a refusal among the lines. */
export function execute(
  command: Exclude<Command, { verb: "ATTACH" }>,
  client: Client | undefined,
  facts: Facts,
): Awaitable<Answer> {
  const { verb } = command;
  if (isEarly(verb)) return early[verb](facts, client);
  if (!client && !worksEarly(verb)) return [printErr({ verb, reason: "policy", detail: "unauthenticated" })];
  const refused = (thrown: unknown): Answer => {
    const found: Fault = toFault(thrown);
    return [printRefusal(ackOf(verb), found, placeOf(command))];
  };
  try {
    const answer = client ? perform(command, client) : [];
    return answer instanceof Promise ? answer.catch(refused) : answer;
  } catch (thrown) {
    return refused(thrown);
  }
}
