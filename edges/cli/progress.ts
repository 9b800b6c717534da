import type { Clock, Timer } from "@skep/clock";
import { cutToWidth, formatBytes, formatCount, padToWidth, widthOf } from "@skep/text";

/** What a progress bar measures. */
export interface ProgressSpec {
  readonly label: string;
  /** The amount that is all; without it only what is done is shown. */
  readonly total?: number;
  /** `bytes` shows sizes, anything else a count. */
  readonly unit?: string;
}

/** A running piece of work; `using` or `done` ends its bar. */
export interface Progress extends Disposable {
  add(amount: number): void;
  set(amount: number): void;
  done(): void;
}

/** Milliseconds of work before a bar appears, and between two drawings. */
export const barAfter = 1000;
const barEvery = 100;
const barWidth = 24;

function amount(value: number, unit: string | undefined): string {
  return unit === "bytes" ? formatBytes(value) : `${formatCount(value)}${unit ? ` ${unit}` : ""}`;
}

/** One line, at most `columns - 1` wide so that no terminal wraps it. */
export function drawBar(spec: ProgressSpec, done: number, columns: number): string {
  const { label, total, unit } = spec;
  if (total === undefined || total <= 0) return cutToWidth(`${label}  ${amount(done, unit)}`, columns - 1);
  const share = Math.min(1, Math.max(0, done / total));
  const full = Math.round(share * barWidth);
  const bar = `[${"#".repeat(full)}${"-".repeat(barWidth - full)}]`;
  const tail = `${padToWidth(`${Math.floor(share * 100)}%`, 4, "right")}  ${amount(done, unit)} of ${amount(total, unit)}`;
  const room = columns - 1 - widthOf(tail) - widthOf(bar) - 4;
  if (room < 8) return cutToWidth(`${label}  ${tail.trim()}`, columns - 1);
  return `${cutToWidth(label, room)}  ${bar} ${tail}`;
}

/** Where bars are drawn: one at a time, on the last line of stderr. */
export class Bars {
  readonly #clock: Clock;
  readonly #write: (text: string) => void;
  readonly #columns: () => number;
  #drawn = false;

  constructor(clock: Clock, write: (text: string) => void, columns: () => number) {
    this.#clock = clock;
    this.#write = write;
    this.#columns = columns;
  }

  /** Takes the bar away before something else is written; its next drawing puts it back. */
  clear(): void {
    if (this.#drawn) this.#write("\r\x1b[2K");
    this.#drawn = false;
  }

  start(spec: ProgressSpec): Progress {
    let done = 0;
    let ended = false;
    let timer: Timer;
    const draw = () => {
      this.#write(`\r\x1b[2K${drawBar(spec, done, this.#columns())}`);
      this.#drawn = true;
      timer = this.#clock.after(barEvery, draw);
    };
    timer = this.#clock.after(barAfter, draw);
    const end = () => {
      if (ended) return;
      ended = true;
      timer.stop();
      this.clear();
    };
    return {
      add: (more) => {
        done += more;
      },
      set: (amount) => {
        done = amount;
      },
      done: end,
      [Symbol.dispose]: end,
    };
  }
}

/** Progress where nothing is drawn. */
export const silent: Progress = {
  add: () => {},
  set: () => {},
  done: () => {},
  [Symbol.dispose]: () => {},
};
