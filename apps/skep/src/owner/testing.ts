import { execFileSync, spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inputEvent } from "./input.ts";
import type { Sources } from "./watch.ts";

/** A machine made of files, for the detectors to look at. */
export interface FileMachine extends Disposable {
  readonly dir: string;
  readonly sources: Sources;
  /** A key is pressed; gives the time of the event, milliseconds since 1970. */
  touch(): number;
  mains(online: boolean): void;
  degrees(value: number): void;
  /** Ticks of all processors, and those in which others were busy. */
  ticks(all: number, busy: number): void;
  /** Microseconds for which somebody has waited for memory. */
  stalled(total: number): void;
}

function put(path: string, text: string): void {
  mkdirSync(join(path, ".."), { recursive: true });
  // A reader sees the old text or the new one.
  writeFileSync(`${path}.new`, text);
  renameSync(`${path}.new`, path);
}

/** Makes one: idle, cool, on mains, with one keyboard that is a FIFO. */
export function fileMachine(): FileMachine {
  const dir = mkdtempSync(join(tmpdir(), "skep-owner-"));
  const [proc, sys, devices] = ["proc", "sys", "input"].map((name) => join(dir, name)) as [
    string,
    string,
    string,
  ];
  mkdirSync(devices);
  const fifo = join(devices, "event0");
  execFileSync("mkfifo", [fifo]);
  const keyboard = openSync(fifo, "r+");
  const supply = join(sys, "class/power_supply");
  const machine: FileMachine = {
    dir,
    sources: { proc, sys, devices, bus: `unix:path=${join(dir, "no-bus")}`, own: () => [process.pid] },
    touch() {
      const at = performance.timeOrigin + performance.now();
      writeSync(keyboard, inputEvent(at));
      return at;
    },
    mains: (online) => put(join(supply, "AC/online"), online ? "1\n" : "0\n"),
    degrees: (value) => put(join(sys, "class/thermal/thermal_zone0/temp"), `${value * 1000}\n`),
    ticks: (all, busy) => put(join(proc, "stat"), `cpu  ${busy} 0 0 ${all - busy} 0 0 0 0 0 0\n`),
    stalled: (total) =>
      put(join(proc, "pressure/memory"), `some avg10=0.00 avg60=0.00 avg300=0.00 total=${total}\n`),
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
  put(join(supply, "AC/type"), "Mains\n");
  put(join(supply, "BAT0/type"), "Battery\n");
  put(join(supply, "BAT0/status"), "Discharging\n");
  put(join(proc, "loadavg"), "0.00 0.00 0.00 1/100 1\n");
  machine.mains(true);
  machine.degrees(40);
  machine.ticks(1000, 0);
  machine.stalled(0);
  return machine;
}

/** A real process that uses all of a processor that it gets. */
export interface Hog extends Disposable {
  readonly pid: number;
  /** Processor time that it has used, ticks. */
  ticks(): number;
}

export function startHog(): Hog {
  const child = spawn("/bin/sh", ["-c", "while :; do :; done"], { stdio: "ignore" });
  const pid = child.pid ?? 0;
  return {
    pid,
    ticks: () => {
      const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1]?.split(" ") ?? [];
      return Number(fields[11]) + Number(fields[12]);
    },
    [Symbol.dispose]: () => void child.kill("SIGKILL"),
  };
}

/** Looks again and again until there is something; throws with `what` when it does not come. */
export async function seen<T>(
  what: string,
  look: () => T | undefined | Promise<T | undefined>,
  ms = 15_000,
): Promise<T> {
  const late = performance.now() + ms;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (performance.now() > late) throw new Error(`not seen within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
