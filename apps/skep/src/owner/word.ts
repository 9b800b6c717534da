import { rmSync } from "node:fs";
import { type Clock, delay } from "@skep/clock";
import { replacePrivate } from "../client/files.ts";
import { ownerPlaces, type Pause } from "./folder.ts";
import { viewOf } from "./view.ts";

/** How long a worker gets to hear a word, milliseconds. */
const patienceMs = 4000;
const lookMs = 20;

/** Gives the owner's word, or takes it back; the worker of that folder hears it without a hive. */
export function sayPause(folder: string, pause: Pause | undefined): void {
  if (pause) replacePrivate(ownerPlaces.pause(folder), `${JSON.stringify(pause)}\n`);
  else rmSync(ownerPlaces.pause(folder), { force: true });
}

/** What a worker made of it. */
export interface Heard {
  readonly heard: boolean;
  readonly state: string;
  /** One line. */
  readonly why: string;
}

/** What the worker made of the word; undefined while it has not. */
function heardBy(folder: string, paused: boolean): Heard | undefined {
  const { alive, state } = viewOf(folder);
  if (!alive || !state) return { heard: false, state: "none", why: "no worker runs" };
  if (state.reasons.some(({ rule }) => rule === "pause") !== paused) return undefined;
  const { stopped, reasons } = state;
  const still = reasons[0]?.text ?? "work may run";
  if (!paused || !stopped) return { heard: true, state: state.state, why: still };
  const { processes, ms } = stopped;
  const one = processes === 1 ? "process" : "processes";
  const why = processes === 0 ? "nothing ran" : `${processes} ${one} stopped in ${ms.toFixed(1)} ms`;
  return { heard: true, state: state.state, why };
}

/** Waits until the worker acts on the word; at once where none runs. */
export async function awaited(
  folder: string,
  paused: boolean,
  clock: Clock,
  signal: AbortSignal,
): Promise<Heard> {
  const from = clock.monotonic();
  for (;;) {
    const heard = heardBy(folder, paused);
    if (heard) return heard;
    if (clock.monotonic() - from > patienceMs)
      return { heard: false, state: "unknown", why: "the worker does not answer" };
    await delay(clock, lookMs, signal);
  }
}
