import type { Clock, Timer } from "@skep/clock";
import type { Fault } from "@skep/fault";
import { fault } from "./faults.ts";
import { Deframer, frame, type Framed, type Framing } from "./framing.ts";
import { decodeReply, encodeRequest, exceptionName, type Request, type Table } from "./pdu.ts";

/** Bytes to and from devices: a TCP connection, or a serial line. */
export interface Wire {
  send(bytes: Uint8Array): void;
  /** Calls `bytes` with what comes, and `end` once when nothing will come any more. */
  listen(on: { readonly bytes: (bytes: Uint8Array) => void; readonly end: (cause?: unknown) => void }): void;
  close(): void;
}

/** What a client is made of. */
export interface ModbusOptions {
  readonly wire: Wire;
  readonly framing: Framing;
  readonly clock: Pick<Clock, "after">;
  /** How long a device may take to answer, milliseconds. */
  readonly timeoutMs: number;
}

/** Exceptions that leave open whether a write is done: it is under way, or a gateway passed it on and heard nothing. */
const unsure: ReadonlySet<number> = new Set([5, 11]);

function refusalOf({ op }: Request, exception: number, unit: number): Fault {
  const told = `unit ${unit}: ${exceptionName(exception)}`;
  return op === "write" && unsure.has(exception) ? fault.unsure(told) : fault.exception(told);
}

interface Waiting {
  readonly unit: number;
  readonly transaction: number;
  readonly request: Request;
  readonly timer: Timer;
  readonly done: (values: readonly number[]) => void;
  readonly failed: (error: unknown) => void;
}

/** Asks devices behind one wire, one question at a time, as a serial line and many gateways want it. */
export class ModbusClient {
  readonly #options: ModbusOptions;
  readonly #deframer: Deframer;
  #waiting: Waiting | undefined;
  #transaction = 0;
  #ended: { readonly cause: unknown } | undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ModbusOptions) {
    this.#options = options;
    this.#deframer = new Deframer(options.framing);
    options.wire.listen({ bytes: (bytes) => this.#came(bytes), end: (cause) => this.#end(cause) });
  }

  /** False once the wire ended. */
  get isOpen(): boolean {
    return this.#ended === undefined;
  }

  /** Values from an address on. Throws `modbus.exception`, `modbus.timeout`, `modbus.closed`, `modbus.form`, `modbus.range`. */
  read(unit: number, table: Table, address: number, count: number): Promise<readonly number[]> {
    return this.#ask(unit, { op: "read", table, address, count });
  }

  /**
   * Writes bits or registers; the same faults, and `modbus.unsure`. After that, `modbus.timeout`, `modbus.closed` and
   * `modbus.form` it may have been done.
   */
  async write(
    unit: number,
    table: "coil" | "holding",
    address: number,
    values: readonly number[],
  ): Promise<void> {
    await this.#ask(unit, { op: "write", table, address, values });
  }

  close(): void {
    this.#options.wire.close();
    this.#end();
  }

  #ask(unit: number, request: Request): Promise<readonly number[]> {
    const done = this.#last.then(
      () => this.#one(unit, request),
      () => this.#one(unit, request),
    );
    this.#last = done.catch(() => undefined);
    return done;
  }

  #one(unit: number, request: Request): Promise<readonly number[]> {
    if (!Number.isInteger(unit) || unit < 0 || unit > 255) throw fault.range(`unit ${unit}`);
    const pdu = encodeRequest(request);
    if (this.#ended) throw fault.closed(undefined, { cause: this.#ended.cause });
    const { framing, wire, clock, timeoutMs } = this.#options;
    this.#transaction = (this.#transaction + 1) & 0xffff;
    const transaction = framing === "tcp" ? this.#transaction : 0;
    // What is left of an answer that came too late is none to this.
    this.#deframer.reset();
    return new Promise((done, failed) => {
      const timer = clock.after(timeoutMs, () => this.#fail(fault.timeout(`unit ${unit}, ${timeoutMs} ms`)));
      this.#waiting = { unit, transaction, request, timer, done, failed };
      wire.send(frame(framing, unit, transaction, pdu));
    });
  }

  #fail(error: unknown): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.timer.stop();
    waiting?.failed(error);
  }

  #came(bytes: Uint8Array): void {
    let framed: Framed[];
    try {
      framed = this.#deframer.push(bytes);
    } catch (thrown) {
      this.#fail(thrown);
      // A stream that lost its place cannot find it again; a serial line does at its next silence.
      if (this.#options.framing === "tcp") this.close();
      return;
    }
    for (const one of framed) this.#answered(one);
  }

  #answered({ unit, transaction, pdu }: Framed): void {
    const waiting = this.#waiting;
    // An answer that came too late, or another master's.
    if (!waiting || waiting.unit !== unit || waiting.transaction !== transaction) return;
    try {
      const reply = decodeReply(waiting.request, pdu);
      if (!reply.ok) throw refusalOf(waiting.request, reply.exception, unit);
      this.#waiting = undefined;
      waiting.timer.stop();
      waiting.done(reply.values);
    } catch (thrown) {
      this.#fail(thrown);
    }
  }

  #end(cause?: unknown): void {
    this.#ended ??= { cause };
    this.#fail(fault.closed(undefined, { cause }));
  }
}
