import { escapeForeign } from "@skep/text";
import { Ending } from "./ending.ts";
import { fault } from "./fault.ts";
import { Files } from "./files.ts";
import { Guest } from "./guest.ts";
import type { ExecOutcome, JobInput } from "./job.ts";
import { Meter } from "./meter.ts";
import { meter as meterVersion, names, type Note } from "./note.ts";
import { Stdio } from "./stdio.ts";
import { Clock } from "./virtual-clock.ts";
import { preview1Imports } from "./wasi.ts";
import type { World } from "./world.ts";

/** Pages of 64 KiB that any memory can have. */
const mostPages = 65_536;

/**
 * Compiles instrumented bytes.
 *
 * @throws Fault `wasm.invalid` with the engine's reason, which counts in instrumented bytes.
 */
export function compile(module: Uint8Array): WebAssembly.Module {
  try {
    return new WebAssembly.Module(module);
  } catch (thrown) {
    if (thrown instanceof WebAssembly.CompileError) throw fault.invalid(plain(thrown.message));
    throw thrown;
  }
}

/**
 * Links an admitted module, calls its start function and `_start`, and returns when it ended; synchronous. The outcome depends on
 * module and input alone, but for `memory` where this machine has too little of it. What `stdin` and `onOutput` throw is passed on.
 *
 * @throws Fault `wasm.input` when a string holds a zero byte, a name of the environment is empty or holds "=", or a number is none.
 */
export function execute(module: WebAssembly.Module, input: JobInput): ExecOutcome {
  checkInput(input);
  const note = noteOf(module);
  const nothing = { exitCode: null, fuelUsed: 0n, memoryBytes: 0, stdoutBytes: 0, stderrBytes: 0 };
  if (note?.meter !== meterVersion)
    return { ...nothing, reason: "link", message: "Module was not admitted here" };
  if (note.minPages > input.memoryPages) {
    const message = `Module starts with ${note.minPages} pages of memory, at most ${input.memoryPages}`;
    return { ...nothing, reason: "memory", message };
  }
  const run = new Run(input);
  const ending = run.go(module, Math.min(input.memoryPages, note.maxPages ?? mostPages));
  return { reason: ending.reason, exitCode: ending.exitCode, message: ending.message, ...run.usage() };
}

function checkInput(input: JobInput): void {
  const { args, env, fuel, memoryPages, stdoutLimit, stderrLimit, startTimeMs } = input;
  for (const text of [...args, ...Object.keys(env), ...Object.values(env)])
    if (text.includes("\0")) throw fault.input("zero byte in an argument or in the environment");
  for (const name of Object.keys(env))
    if (name === "" || name.includes("=")) throw fault.input(`environment name ${plain(name)}`);
  for (const number of [memoryPages, stdoutLimit, stderrLimit])
    if (!Number.isSafeInteger(number) || number < 0) throw fault.input(`limit ${number}`);
  if (!Number.isFinite(startTimeMs)) throw fault.input(`start time ${startTimeMs}`);
  if (fuel < 0n) throw fault.input(`fuel ${fuel}`);
  checkCheckpoint(input);
}

function checkCheckpoint({ checkpoint }: JobInput): void {
  const { content, limit } = checkpoint ?? { limit: 0 };
  if (content && content.length > limit)
    throw fault.input(`checkpoint of ${content.length} bytes, at most ${limit}`);
}

function noteOf(module: WebAssembly.Module): Note | undefined {
  const [bytes] = WebAssembly.Module.customSections(module, names.note);
  return bytes ? (JSON.parse(new TextDecoder().decode(bytes)) as Note) : undefined;
}

function plain(text: string): string {
  return escapeForeign(text, { form: "terminal", max: 300 });
}

/** One run: what it used can be asked however it ended. */
class Run {
  readonly #input: JobInput;
  #exports: Readonly<Record<string, unknown>> = {};
  #world: World | undefined;

  constructor(input: JobInput) {
    this.#input = input;
  }

  go(module: WebAssembly.Module, pages: number): Ending {
    try {
      this.#link(module);
      this.#global(names.limit).value = pages;
      this.#call(names.start);
      if (!this.#call(names.entry)) return new Ending("start", "Module exports no function _start");
      return this.#world?.meter.overrun ?? new Ending("exit", "Exit 0", 0);
    } catch (thrown) {
      return this.#endingOf(thrown);
    }
  }

  /** Until the module is linked nothing of it runs: its start function is an export like any other. */
  #link(module: WebAssembly.Module): void {
    const late: { imports: Record<string, (...args: never[]) => number> } = { imports: {} };
    const imports: Record<string, unknown> = {};
    for (const { name } of WebAssembly.Module.imports(module))
      imports[name] = (...args: never[]) => late.imports[name]?.(...args);
    this.#exports = instantiate(module, { wasi_snapshot_preview1: imports }).exports;
    const memory = this.#exports[names.memory];
    const guest = new Guest(memory instanceof WebAssembly.Memory ? memory : undefined);
    const meter = new Meter(this.#global(names.tally), this.#input.fuel);
    const stdio = new Stdio(guest, meter, this.#input);
    const clock = new Clock(this.#input.startTimeMs, meter);
    const { checkpoint } = this.#input;
    const files = checkpoint ? { files: new Files(guest, meter, checkpoint) } : {};
    this.#world = { guest, meter, stdio, clock, ...files };
    late.imports = preview1Imports(this.#world, this.#input);
  }

  #global(name: string): WebAssembly.Global {
    const found = this.#exports[name];
    if (!(found instanceof WebAssembly.Global)) throw new Ending("link", "Module was not admitted here");
    return found;
  }

  #call(name: string): boolean {
    const found = this.#exports[name];
    if (typeof found !== "function") return false;
    found();
    return true;
  }

  #endingOf(thrown: unknown): Ending {
    if (thrown instanceof Ending) return thrown;
    if (thrown instanceof WebAssembly.RuntimeError) return this.#world?.meter.overrun ?? this.#trap(thrown);
    if (isOverflow(thrown)) return new Ending("depth", "Calls are nested too deep for this machine");
    throw thrown;
  }

  #trap(thrown: WebAssembly.RuntimeError): Ending {
    if (!this.#world) return new Ending("link", plain(thrown.message));
    if (this.#global(names.shortage).value !== 0)
      return new Ending("memory", "This machine has no memory left within the job's limit");
    return new Ending("trap", plain(thrown.message));
  }

  usage() {
    return {
      fuelUsed: this.#world?.meter.used ?? 0n,
      memoryBytes: this.#world?.guest.size ?? 0,
      stdoutBytes: this.#world?.stdio.written.stdout ?? 0,
      stderrBytes: this.#world?.stdio.written.stderr ?? 0,
    };
  }
}

function isOverflow(thrown: unknown): boolean {
  return thrown instanceof RangeError && /call stack/i.test(thrown.message);
}

function instantiate(
  module: WebAssembly.Module,
  imports: Record<string, Record<string, unknown>>,
): WebAssembly.Instance {
  try {
    return new WebAssembly.Instance(module, imports);
  } catch (thrown) {
    if (thrown instanceof WebAssembly.LinkError) throw new Ending("link", plain(thrown.message));
    if (thrown instanceof RangeError)
      throw new Ending("memory", "This machine has no memory left for the module");
    throw thrown;
  }
}
