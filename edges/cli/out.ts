import {
  type Column,
  escapeForeign,
  escapeLines,
  printJson,
  renderTable,
  type TableOptions,
} from "@skep/text";
import type { GlobalFlags } from "./globals.ts";
import type { Io, Sink } from "./io.ts";
import { Bars, type Progress, type ProgressSpec, silent } from "./progress.ts";
import { type Part, renderParts, wantsColour } from "./style.ts";
import { heldBack } from "./utf8.ts";

/** What a command says: data on stdout, the rest on stderr. */
export interface Out {
  /** `--json` was given. */
  readonly wantsJson: boolean;
  /** stdout is a terminal. */
  readonly isTTY: boolean;
  /** Terminal columns of stdout; 80 where it is none. */
  readonly width: number;
  /**
   * Bytes or text for stdout: as they are into a pipe or file and with `raw`, escaped (newlines and tabs stay) on a
   * terminal. Resolves when they are written, so awaiting it is the back-pressure; never rejects.
   */
  data(bytes: string | Uint8Array, options?: { readonly raw?: boolean }): Promise<void>;
  /** One line for people on stdout, in colour on a terminal; with `--json` it is left out. */
  line(...parts: readonly Part[]): Promise<void>;
  /** One line of JSON on stdout; 64-bit numbers become decimal strings. */
  json(value: unknown): Promise<void>;
  /**
   * Rows as an aligned table; with `--json` the rows themselves as one array. `empty` is a message that stands for a table
   * without rows: what would be there, and how to make one.
   */
  table<Row>(
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    options?: TableOptions & { readonly empty?: string },
  ): Promise<void>;
  /** One line on stderr; not with `--quiet`. Newlines inside are escaped. */
  message(...parts: readonly Part[]): void;
  /** As `message`, but only with `--verbose`. */
  detail(...parts: readonly Part[]): void;
  /** One line on stderr beginning with `warning: `; not with `--quiet`. */
  warn(...parts: readonly Part[]): void;
  /** A bar on stderr, once the work has lasted a second and if that is a terminal; otherwise nothing. */
  progress(spec: ProgressSpec): Progress;
}

/** What became of the writes to stdout. */
export interface Ending {
  /** Nobody reads it any more (EPIPE). */
  readonly closed: boolean;
  /** The first other error. */
  readonly problem: unknown;
}

const isClosed = (problem: unknown) =>
  problem instanceof Error &&
  "code" in problem &&
  ["EPIPE", "ERR_STREAM_DESTROYED"].includes(String(problem.code));

/** JSON with 64-bit numbers as decimal strings, safe to show: what a terminal would obey is escaped. */
export function jsonLine(value: unknown): string {
  return printJson(value, (_, each) => (typeof each === "bigint" ? String(each) : each));
}

/** One stream of the process: writes in order, remembers how they ended. */
class Pipe {
  readonly sink: Sink;
  readonly #onClosed: () => void;
  #pending: Promise<void> = Promise.resolve();
  closed = false;
  problem: unknown;

  constructor(sink: Sink, onClosed: () => void) {
    this.sink = sink;
    this.#onClosed = onClosed;
  }

  write(bytes: string | Uint8Array): Promise<void> {
    if (this.closed || this.problem !== undefined || bytes.length === 0) return this.#pending;
    const written = this.sink.write(bytes).catch((problem: unknown) => this.#fail(problem));
    this.#pending = Promise.all([this.#pending, written]).then(() => {});
    return this.#pending;
  }

  #fail(problem: unknown): void {
    if (this.closed || this.problem !== undefined) return;
    if (isClosed(problem)) this.closed = true;
    else this.problem = problem;
    this.#onClosed();
  }

  drained(): Promise<void> {
    return this.#pending;
  }
}

/** The `Out` of one run. `onClosed` is called once when stdout can take no more. */
export class StandardOut implements Out {
  readonly wantsJson: boolean;
  readonly #stdout: Pipe;
  readonly #stderr: Pipe;
  readonly #bars: Bars;
  readonly #global: GlobalFlags;
  readonly #colour: { readonly out: boolean; readonly err: boolean };
  #held: Uint8Array = new Uint8Array();

  constructor(io: Io, global: GlobalFlags, onClosed: () => void) {
    this.wantsJson = global.json;
    this.#global = global;
    this.#stdout = new Pipe(io.stdout, onClosed);
    this.#stderr = new Pipe(io.stderr, () => {});
    this.#colour = {
      out: wantsColour(io.stdout, io.env, global.color),
      err: wantsColour(io.stderr, io.env, global.color),
    };
    this.#bars = new Bars(
      io.clock,
      (text) => void this.#stderr.write(text),
      () => io.stderr.columns() ?? 80,
    );
  }

  get isTTY(): boolean {
    return this.#stdout.sink.isTTY;
  }

  get width(): number {
    return this.#stdout.sink.columns() ?? 80;
  }

  #print(bytes: string | Uint8Array): Promise<void> {
    if (this.isTTY) this.#bars.clear();
    return this.#stdout.write(bytes);
  }

  data(bytes: string | Uint8Array, options: { readonly raw?: boolean } = {}): Promise<void> {
    if (!this.isTTY || options.raw) return this.#print(bytes);
    if (typeof bytes === "string") return this.#print(escapeLines(bytes));
    // A character may be cut by the end of a chunk; its beginning waits for the next one.
    const all = Buffer.concat([this.#held, bytes]);
    const keep = heldBack(all);
    this.#held = all.subarray(all.length - keep);
    return this.#print(escapeLines(all.subarray(0, all.length - keep)));
  }

  line(...parts: readonly Part[]): Promise<void> {
    if (this.wantsJson) return Promise.resolve();
    if (this.isTTY) return this.#print(`${renderParts(parts, this.#colour.out)}\n`);
    return this.#print(`${parts.map((part) => (typeof part === "string" ? part : part.text)).join("")}\n`);
  }

  json(value: unknown): Promise<void> {
    return this.#print(`${jsonLine(value)}\n`);
  }

  table<Row>(
    rows: readonly Row[],
    columns: readonly Column<Row>[],
    { empty, ...options }: TableOptions & { readonly empty?: string } = {},
  ): Promise<void> {
    if (this.wantsJson) return this.json(rows);
    if (rows.length === 0 && empty !== undefined) {
      this.message(empty);
      return Promise.resolve();
    }
    const plain = columns.map(({ paint: _, ...column }) => column);
    const width = this.isTTY ? { width: this.width } : {};
    const text = renderTable(rows, this.#colour.out ? columns : plain, { ...width, ...options });
    return this.#print(text === "" ? "" : `${text}\n`);
  }

  /** Writes one line to stderr even with `--quiet`. */
  tell(text: string): void {
    this.#bars.clear();
    void this.#stderr.write(`${text}\n`);
  }

  message(...parts: readonly Part[]): void {
    if (!this.#global.quiet) this.tell(renderParts(parts, this.#colour.err));
  }

  detail(...parts: readonly Part[]): void {
    if (this.#global.verbose) this.message(...parts);
  }

  warn(...parts: readonly Part[]): void {
    this.message({ tone: "warn", text: "warning: " }, ...parts);
  }

  get colourOfErrors(): boolean {
    return this.#colour.err;
  }

  progress(spec: ProgressSpec): Progress {
    const shown = this.#stderr.sink.isTTY && !this.#global.quiet;
    const label = escapeForeign(spec.label, { form: "terminal", max: 200 });
    return shown ? this.#bars.start({ ...spec, label }) : silent;
  }

  /** Resolves when all that was said has left the process. */
  async drained(): Promise<Ending> {
    if (this.#held.length > 0) void this.#print(escapeLines(this.#held));
    this.#held = new Uint8Array();
    this.#bars.clear();
    await this.#stdout.drained();
    await this.#stderr.drained();
    return { closed: this.#stdout.closed, problem: this.#stdout.problem };
  }
}
