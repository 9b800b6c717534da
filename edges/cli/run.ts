import { type Fault, toFault } from "@skep/fault";
import type { Context } from "./command.ts";
import { confirm } from "./confirm.ts";
import { fault } from "./faults.ts";
import { showHelp } from "./builtin.ts";
import type { GlobalFlags } from "./globals.ts";
import type { Io, Signal } from "./io.ts";
import { StandardOut } from "./out.ts";
import { type Parsed, parse } from "./parse.ts";
import type { Program } from "./program.ts";
import { escapeQuoted, paint } from "./style.ts";

/** Milliseconds that a command has to end by itself after its first signal. */
export const cleanUpLimit = 3000;

// npm hands a Ctrl-C on to its child, which has it from the terminal too: what comes this fast is the same one.
const echoWithin = 250;

const signalCodes: Readonly<Record<Signal, number>> = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };

function globalsOf(set: Readonly<Record<string, unknown>>): GlobalFlags {
  return {
    json: set.json === true,
    home: typeof set.home === "string" ? set.home : undefined,
    context: typeof set.context === "string" ? set.context : undefined,
    quiet: set.quiet === true,
    verbose: set.verbose === true,
    input: set["no-input"] !== true,
    color: set["no-color"] !== true,
  };
}

/** Says what went wrong: for people on stderr, with `--json` one line `{"error":{…}}` on stdout instead. */
function report(program: Program, out: StandardOut, global: GlobalFlags, made: Fault): void {
  const { kind, code, message, detail } = made;
  const hint = `Run it again with --verbose to see the cause`;
  const cure = made.cure ?? (kind === "internal" && !global.verbose ? hint : undefined);
  if (global.json) void out.json({ error: { kind, code, message, cure, detail } });
  else {
    out.tell(`${paint("bad", `${program.name}:`, out.colourOfErrors)} ${escapeQuoted(message)}`);
    if (cure) out.tell(`  ${escapeQuoted(cure)}`);
  }
  if (!global.verbose || made.cause === undefined) return;
  const cause = made.cause instanceof Error ? (made.cause.stack ?? made.cause.message) : String(made.cause);
  for (const line of cause.split("\n")) out.tell(`  ${escapeQuoted(line)}`);
}

/** The three ways in which a run is stopped from outside. */
interface Stops {
  readonly signal: AbortSignal;
  readonly closed: () => void;
  /** Resolves when the command's time to clean up is over. */
  readonly over: Promise<undefined>;
  heard(): Signal | undefined;
  /** From now on SIGHUP is this, and ends nothing. */
  onHangup(act: () => void): void;
  dispose(): void;
}

function listen(io: Io, drain: boolean): Stops {
  const stop = new AbortController();
  const { promise: over, resolve } = Promise.withResolvers<undefined>();
  let first: Signal | undefined;
  let since = 0;
  const end = (reason: unknown) => {
    stop.abort(reason);
    if (!drain) io.clock.after(cleanUpLimit, () => resolve(undefined));
  };
  let hangup: (() => void) | undefined;
  const dispose = io.onSignal((name) => {
    if (name === "SIGHUP" && hangup) {
      hangup();
      return;
    }
    if (first !== undefined) {
      if (io.clock.monotonic() - since >= echoWithin) io.exit(signalCodes[name]);
      return;
    }
    first = name;
    since = io.clock.monotonic();
    end(fault.interrupted());
  });
  return {
    signal: stop.signal,
    // A daemon goes on when nobody reads what it says.
    closed: () => drain || stop.signal.aborted || end(fault.output()),
    over,
    heard: () => first,
    // What has a terminal is told by SIGHUP that it is gone.
    onHangup: (act) => {
      if (!io.stdout.isTTY && !io.stderr.isTTY) hangup = act;
    },
    dispose,
  };
}

async function work(program: Program, parsed: Parsed, context: Context, version: boolean): Promise<number> {
  const help = parsed.globals.help === true && parsed.fault?.code !== "cli.command";
  if (help || (!parsed.command && !parsed.fault && !version)) {
    await showHelp(program, parsed.words, context.out);
    return 0;
  }
  if (parsed.fault) throw parsed.fault;
  if (!parsed.command) throw fault.command();
  return await parsed.command.start(context, parsed.args, parsed.flags);
}

/**
 * Runs one command line: reads it, runs its command, says what went wrong, and resolves with the exit code when all
 * output has left the process. Never rejects. The app sets `process.exitCode`, or may call `process.exit` then.
 */
export async function runProgram(program: Program, io: Io): Promise<number> {
  const version = io.argv[0] === "--version";
  const parsed = parse(program, version ? ["version", ...io.argv.slice(1)] : io.argv);
  const { command } = parsed;
  const global = globalsOf(parsed.globals);
  const drain = command?.onSignal === "drain";
  const stops = listen(io, drain);
  const out = new StandardOut(io, global, stops.closed);
  const base = { io, out, global, signal: stops.signal, onHangup: stops.onHangup };
  const context: Context = {
    ...base,
    confirm: async (question) => {
      const ask = (text: string) => void io.stderr.write(text).catch(() => {});
      if (command?.danger) await confirm(command.danger, { context: base, ask }, question, parsed.flags);
    },
  };
  let code = 0;
  let failed: Fault | undefined;
  try {
    code = (await Promise.race([work(program, parsed, context, version), stops.over])) ?? 0;
  } catch (thrown) {
    failed = toFault(thrown);
    code = command?.failure ?? failed.row.exit;
  }
  const heard = stops.heard();
  const ending = await settle(out, stops, failed, drain);
  if (ending.report) report(program, out, global, ending.report);
  await out.drained();
  stops.dispose();
  if (heard && !drain) return signalCodes[heard];
  return ending.code ?? code;
}

interface Settled {
  readonly report: Fault | undefined;
  /** Instead of the command's own code. */
  readonly code?: number;
}

/** What is to be said at the end, and whether the state of stdout decides the exit code. */
async function settle(
  out: StandardOut,
  stops: Stops,
  failed: Fault | undefined,
  drain: boolean,
): Promise<Settled> {
  const { closed, problem } = await out.drained();
  if (problem !== undefined) {
    const lost = fault.output(problem instanceof Error ? problem.message : problem, { cause: problem });
    return { report: lost, code: lost.row.exit };
  }
  // Whoever closed the pipe, as `head` does, has what it wanted: that is no failure.
  if (closed && !drain) return { report: undefined, code: 0 };
  if (stops.heard() && !drain) return { report: out.wantsJson ? fault.interrupted() : undefined };
  return { report: failed };
}
