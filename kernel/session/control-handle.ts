import { Fault, toFault } from "@skep/fault";
import type { Awaitable } from "../namespace/node.ts";
import type { Answer } from "../gate/intent.ts";
import { AnswerLog, refusal } from "./answers.ts";
import type { Handle } from "./handle.ts";

/** What a control handle asks of its session. */
export interface ControlPort {
  /** Resolves when a line can be judged at once; undefined when it can be now. */
  prepare(line: string): Promise<void> | undefined;
  /** Judges one line; throws the fault of its refusal. */
  judge(line: string): Answer;
  settled(): Promise<void> | undefined;
  answered(answer: Answer): void;
  /** A write was taken in part. */
  short(): void;
  /** Begins a piece of work; the answer tells when its turn of the loop is used up, and resolves in a later one. */
  piece(): () => Promise<void> | undefined;
}

/** A line, and where it ends in the bytes of its write. */
interface Line {
  readonly line: string;
  readonly end: number;
}

/** A write as far as it was judged. */
interface Write {
  readonly data: Uint8Array;
  readonly lines: Iterator<Line>;
  taken: number;
  refused: Fault | undefined;
  /** The line that was made ready and comes next. */
  ready: Line | undefined;
}

/**
 * The whole lines of a write, each with where it ends in bytes, or its one line without a newline. What follows the
 * last newline was cut by the client's message size: it is not taken, and comes again with its rest.
 */
function* linesOf(data: Uint8Array): Generator<Line> {
  const view = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < view.length; ) {
    const newline = view.indexOf(10, at);
    if (newline < 0 && at > 0) return;
    const stop = newline < 0 ? view.length : newline;
    const end = newline < 0 ? view.length : newline + 1;
    yield { line: view.toString("utf8", at, stop), end };
    at = end;
  }
}

/** What a client that sees no answer is told of a line that waits: an errno, as of a refusal. */
function waiting({ verdict, code = "", message = "", next }: Answer): Fault | undefined {
  if (verdict !== "waiting") return undefined;
  return new Fault("waiting", code, message, next === undefined ? {} : { cure: next });
}

/** One line, one command; opened for reading too it gives one JSON line of answer for each. */
export class ControlHandle implements Handle {
  readonly #port: ControlPort;
  readonly #log = new AnswerLog(64 * 1024);
  readonly #readable: boolean;
  /** Bytes of commands that were taken: so far they moved an offset that reads and writes share. */
  #taken = 0;
  #given = 0;
  /** What turns an offset into a position among the answers; undefined while offsets say nothing. */
  #shift: number | undefined;
  /** A write that is judged over several turns: the next one comes after it. */
  #busy: Promise<void> | undefined;

  /** Answers are kept to be read back when the file was opened for reading too. */
  constructor(readable: boolean, port: ControlPort) {
    this.#readable = readable;
    this.#port = port;
  }

  // Each read goes on where the last one ended. An offset just behind all that was written and read shows that this
  // descriptor has one for both ways, as Linux has it: bash reads ahead there and seeks back to the end of its line.
  read(offset: number, count: number): Awaitable<Uint8Array> {
    if (this.#taken > 0 && offset === this.#taken + this.#given) this.#shift ??= 0;
    const wanted = this.#shift === undefined ? this.#given : offset - this.#taken + this.#shift;
    const from = Math.max(Math.min(wanted, this.#given), this.#log.base);
    if (this.#shift !== undefined) this.#shift += from - wanted;
    const data = Uint8Array.from(this.#log.read(from, count));
    this.#given = Math.max(this.#given, from + data.length);
    const wait = this.#port.settled();
    return wait ? wait.then(() => data) : data;
  }

  write(_offset: number, data: Uint8Array): Awaitable<number> {
    const write: Write = { data, lines: linesOf(data), taken: 0, refused: undefined, ready: undefined };
    const judged = this.#busy ? this.#busy.then(() => this.#judge(write)) : this.#judge(write);
    if (!judged) return this.#told(write);
    this.#busy = judged;
    return judged.then(() => {
      if (this.#busy === judged) this.#busy = undefined;
      return this.#told(write);
    });
  }

  /** Judges line after line, over several turns of the loop where there are many. */
  #judge(write: Write): Promise<void> | undefined {
    const pause = this.#port.piece();
    try {
      for (let next = this.#next(write); next && !write.refused; next = this.#next(write)) {
        const wait = this.#prepared(write, next) ?? (this.#line(write, next) ? pause() : undefined);
        if (wait) return wait.then(() => this.#judge(write));
      }
    } catch (thrown) {
      write.refused = toFault(thrown);
      this.#answer(refusal(write.refused));
    }
    return undefined;
  }

  /** What a line has to wait for before it is judged; once. */
  #prepared(write: Write, next: Line): Promise<void> | undefined {
    const ready = write.ready ? undefined : this.#port.prepare(next.line);
    write.ready = ready && next;
    return ready;
  }

  /** Judges one line; gives whether more may follow it. */
  #line(write: Write, { line, end }: Line): boolean {
    const answer = line === "" ? undefined : this.#port.judge(line);
    if (answer) this.#answer(answer);
    write.refused = answer && waiting(answer);
    if (write.refused) return false;
    write.taken = end;
    return end < write.data.length;
  }

  #next({ ready, lines }: Write): Line | undefined {
    if (ready) return ready;
    const next = lines.next();
    return next.done ? undefined : next.value;
  }

  #told({ data, taken, refused }: Write): Awaitable<number> {
    this.#taken += taken;
    if (taken > 0 && taken < data.length) this.#port.short();
    const told = (): number => {
      if (taken === 0 && refused) throw refused;
      return taken;
    };
    // A refusal tells of what it saw, so it leaves no earlier than that is durable.
    const wait = this.#port.settled();
    return wait ? wait.then(told) : told();
  }

  #answer(answer: Answer): void {
    if (this.#readable) this.#log.push(answer);
    this.#port.answered(answer);
  }

  close(): void {
    // Nothing to let go: every line was judged when it came.
  }
}
