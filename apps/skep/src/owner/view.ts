import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import {
  type Book,
  countOf,
  type Histogram,
  type Month,
  monthOf,
  percentileOf,
  type RuleName,
  statementOf,
} from "@skep/owner";
import { nodePlaces } from "../node/folder.ts";
import { type OwnerStateFile, ownerPlaces, readBook, readPause, readState } from "./folder.ts";

/** What `skep owner` shows of one worker's folder. */
export interface OwnerView {
  readonly folder: string;
  /** Whether the worker runs now. */
  readonly alive: boolean;
  readonly paused: boolean;
  readonly state: OwnerStateFile | undefined;
  readonly book: Book;
}

function isAlive(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/** Folders of workers on this machine: of one that joined a hive, and of those that a hive here starts. */
export function workerFolders(nodeFolder: string, home: string): string[] {
  const local = join(home, "workers");
  const names = existsSync(local) ? readdirSync(local).sort() : [];
  return [nodeFolder, ...names.map((name) => join(local, name))].filter((folder) => existsSync(folder));
}

/** Whether a worker has lived in this folder. */
export function isWorkerFolder(folder: string): boolean {
  return existsSync(nodePlaces.identity(folder)) || existsSync(ownerPlaces.state(folder));
}

export function viewOf(folder: string): OwnerView {
  const state = existsSync(ownerPlaces.state(folder)) ? readState(folder) : undefined;
  return {
    folder,
    alive: isAlive(state?.pid),
    paused: readPause(folder) !== undefined,
    state,
    book: readBook(folder),
  };
}

/** A histogram in a few figures, milliseconds. */
export interface Figures {
  readonly count: number;
  readonly p50: number | null;
  readonly p99: number | null;
  readonly max: number;
}

export function figuresOf(histogram: Histogram): Figures {
  return {
    count: countOf(histogram),
    p50: percentileOf(histogram, 50) ?? null,
    p99: percentileOf(histogram, 99) ?? null,
    max: histogram.max,
  };
}

/** The months of a book, the newest first, each with what lasts until now. */
export function monthsOf(book: Book, alive: boolean, now: number): readonly (readonly [string, Month])[] {
  // What lasted when a worker was killed ended there: nobody knows more.
  const until = alive ? now : (book.open?.from ?? now);
  const names = new Set([...Object.keys(book.months), monthOf(until)]);
  return [...names]
    .sort()
    .reverse()
    .map((month) => [month, statementOf(book, month, until)] as const);
}

/** The stops of a month, those that lasted longest first. */
export function stopsOf(month: Month): readonly { rule: RuleName; times: number; ms: number }[] {
  return (Object.entries(month.stops) as [RuleName, { times: number; ms: number }][])
    .map(([rule, { times, ms }]) => ({ rule, times, ms }))
    .sort((one, other) => other.ms - one.ms);
}

/** How often work was stopped in a month, and for how long. */
export function totalOf(month: Month): { times: number; ms: number } {
  const stops = stopsOf(month);
  return {
    times: stops.reduce((sum, { times }) => sum + times, 0),
    ms: stops.reduce((sum, { ms }) => sum + ms, 0),
  };
}
