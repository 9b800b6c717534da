import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { decodeSignal, type Dumped, encodeSignal, parseDumpLine, type Signal } from "@skep/can";
import { type Clock, delay } from "@skep/clock";
import { cansend, Echo } from "./can-send.ts";
import type { Device, Reading } from "./device.ts";
import { fault } from "./faults.ts";
import { checkBounds, pointOf, settled, stands } from "./point.ts";
import type { RulesOf } from "./rules.ts";

type Rule = RulesOf<"can">["point"][number];

/** What candump gets to begin listening, milliseconds. */
const begin = 300;
const look = 50;

/** The value of a signal; undefined where the frame is too short for it. */
function signalIn(signal: Signal, data: Uint8Array): number | undefined {
  try {
    return decodeSignal(signal, data);
  } catch {
    return undefined;
  }
}

/** A CAN interface, heard and spoken to through `candump` and `cansend`, because Node.js opens no socket of that family. */
export class CanDevice implements Device {
  readonly #rules: RulesOf<"can">;
  /** What came last of each point. */
  readonly #now = new Map<string, Reading>();
  /** The same, kept for whoever asks for one point. */
  readonly #last = new Map<string, Reading>();
  readonly #clock: Clock;
  #child: ChildProcess | undefined;
  #since = 0;
  #failed: string | undefined;
  #echo: Echo | undefined;
  #writing: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(rules: RulesOf<"can">, clock: Clock) {
    this.#rules = rules;
    this.#clock = clock;
  }

  // Throws `bridge.device` once it is closed: nobody would end what is started then.
  #listen(): void {
    if (this.#closed) throw fault.device("its bridge ends");
    if (this.#child) return;
    const { candump, interface: name } = this.#rules.device;
    // Who sends has to see its own frames as such, and what the controller says of errors.
    const sends = this.#rules.point.some(({ write }) => write);
    const words = sends ? ["-L", "-x", `${name},0:0,#FFFFFFFF`] : ["-L", name];
    this.#since = this.#clock.monotonic();
    const child = spawn(candump, words, { stdio: ["ignore", "pipe", "pipe"] });
    this.#child = child;
    let said = "";
    child.stderr.on("data", (bytes: Buffer) => {
      said = (said + bytes.toString()).slice(0, 300);
    });
    const over = (why: string): void => {
      if (this.#child !== child) return;
      this.#failed = said.trim() || why;
      this.#child = undefined;
    };
    child.once("error", ({ message }) => over(message));
    child.once("close", (code) => over(`it ended with ${code}`));
    createInterface({ input: child.stdout }).on("line", (line) => this.#line(line));
  }

  #line(line: string): void {
    let dumped: Dumped;
    try {
      dumped = parseDumpLine(line);
    } catch {
      // Not a frame: what another version prints besides.
      return;
    }
    this.#echo?.heard(dumped);
    const { frame, at, sent } = dumped;
    // What this machine told devices is no word of theirs.
    if (frame.error || frame.remote || sent === true) return;
    for (const point of this.#rules.point) {
      if (point.id !== frame.id || point.extended !== frame.extended) continue;
      const value = signalIn(point, frame.data);
      if (value === undefined) continue;
      const reading = { point: point.name, value, changed: Math.floor(at / 1000) };
      this.#now.set(point.name, reading);
      this.#last.set(point.name, reading);
    }
  }

  // What was heard before an end is told first, then the end; the poll after that listens anew.
  async poll(): Promise<readonly Reading[]> {
    const came = [...this.#now.values()];
    this.#now.clear();
    const failed = this.#failed;
    if (failed === undefined) this.#listen();
    if (failed === undefined || came.length > 0) return came;
    this.#failed = undefined;
    throw fault.program(failed);
  }

  #point(name: string): Rule {
    return pointOf(this.#rules.point, name);
  }

  async read(name: string): Promise<number> {
    const shown = this.#point(name).shown_by ?? name;
    const found = this.#last.get(shown);
    if (!found) throw fault.device(`${shown} was not heard of`);
    return found.value;
  }

  // One after the other, so that each knows its own frame when it comes back.
  write(name: string, value: number): Promise<void> {
    const act = () => this.#write(this.#point(name), value);
    const done = this.#writing.then(act, act);
    this.#writing = done.catch(() => undefined);
    return done;
  }

  async #write(point: Rule, value: number): Promise<void> {
    if (!point.write) throw fault.refused(point.name);
    checkBounds(point, value);
    const data = encodeSignal(point, value, Buffer.from(point.data, "hex"));
    const frame = {
      id: point.id,
      extended: point.extended,
      remote: false,
      error: false,
      fd: false,
      data,
    } as const;
    const { cansend: program, interface: bus, timeout } = this.#rules.device;
    this.#listen();
    await delay(this.#clock, Math.max(0, this.#since + begin - this.#clock.monotonic()));
    if (!this.#child || this.#closed) throw fault.program(this.#failed);
    const echo = new Echo(frame);
    this.#echo = echo;
    try {
      await cansend(program, bus, frame, timeout);
      await echo.back(this.#clock, timeout);
    } finally {
      this.#echo = undefined;
    }
    if (point.shown_by !== undefined) await this.#settled(point, point.shown_by, value);
  }

  // That a frame was acknowledged on the bus does not tell what its device made of it.
  #settled({ scale }: Rule, shown: string, value: number): Promise<void> {
    const what = `it was sent, and ${shown}`;
    const read = () => this.#last.get(shown)?.value;
    const within = this.#rules.device.settle;
    return settled(read, (now) => stands(now, value, scale), { clock: this.#clock, within, look, what });
  }

  pulses(name: string): boolean {
    return this.#point(name).shown_by === undefined;
  }

  repeats(): boolean {
    return false;
  }

  close(): void {
    this.#closed = true;
    this.#child?.kill("SIGTERM");
  }
}
