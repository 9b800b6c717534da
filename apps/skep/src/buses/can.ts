import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { decodeSignal, parseDumpLine, type Signal } from "@skep/can";
import type { Device, Reading } from "./device.ts";
import { fault } from "./faults.ts";
import type { RulesOf } from "./rules.ts";

/** The value of a signal; undefined where the frame is too short for it. */
function signalIn(signal: Signal, data: Uint8Array): number | undefined {
  try {
    return decodeSignal(signal, data);
  } catch {
    return undefined;
  }
}

/** A CAN interface, listened to through `candump`, because Node.js opens no socket of that family. */
export class CanDevice implements Device {
  readonly #rules: RulesOf<"can">;
  /** What came last of each point. */
  readonly #now = new Map<string, Reading>();
  #child: ChildProcess | undefined;
  #failed: string | undefined;

  constructor(rules: RulesOf<"can">) {
    this.#rules = rules;
  }

  #listen(): void {
    if (this.#child) return;
    const { candump, interface: name } = this.#rules.device;
    const child = spawn(candump, ["-L", name], { stdio: ["ignore", "pipe", "pipe"] });
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
    let dumped: ReturnType<typeof parseDumpLine>;
    try {
      dumped = parseDumpLine(line);
    } catch {
      // Not a frame: what another version prints besides.
      return;
    }
    const { frame, at } = dumped;
    if (frame.error || frame.remote) return;
    for (const point of this.#rules.point) {
      if (point.id !== frame.id || point.extended !== frame.extended) continue;
      const value = signalIn(point, frame.data);
      if (value !== undefined)
        this.#now.set(point.name, { point: point.name, value, changed: Math.floor(at / 1000) });
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

  async read(name: string): Promise<number> {
    const found = this.#now.get(name);
    if (!found) throw fault.device(`${name} was not heard of`);
    return found.value;
  }

  async write(name: string): Promise<void> {
    throw fault.refused(name);
  }

  pulses(): boolean {
    return true;
  }

  repeats(): boolean {
    return false;
  }

  close(): void {
    this.#child?.kill("SIGTERM");
  }
}
