import { faults } from "@skep/fault";
import type { Journal, Provider } from "@skep/kernel";
import { realClock } from "../clock.ts";
import { examineConfig, type Values } from "../config/mod.ts";
import { openBlobs } from "@skep/storage";
import { mostLive, StartLines } from "./live.ts";
import { scheduledBy } from "./scheduled.ts";
import { type Deps, jobLimits, mounts } from "./mounts.ts";
import { places } from "./storage.ts";

const fault = faults("past", {
  live: ["absent", "Cannot tell how this file was: it tells of the present only"],
});

// Whatever live figure is asked for, there is none.
function absentDeps(absent: () => never): object {
  return new Proxy({}, { get: () => absent });
}

/**
 * The providers of this program for folding apart: their state and files, with nothing live behind them. Jobs that had
 * left state at that time are not found here: the index tells of the present. `values` are those that a running daemon
 * has; those of the home's own file when left out.
 */
export function foldedMounts(home: string, journal: Journal | undefined, values?: Values): Provider[] {
  // A file that is being edited must not stop the past from being folded.
  const examined = examineConfig({ home, env: {}, flags: {} }).config;
  const config = { ...examined, values: values ?? examined.values };
  const absent = (): never => {
    throw fault.live();
  };
  const deps = {
    home,
    config,
    limits: jobLimits(config),
    peers: absentDeps(absent),
    files: absentDeps(absent),
    scheduled: scheduledBy(new Promise(() => undefined)),
    clock: realClock,
    started: 0,
    origin: "",
    live: {
      lines: new StartLines(),
      metrics: absentDeps(absent),
      proc: absentDeps(absent),
      queen: { mostLive, clock: absentDeps(absent) },
    },
    blobs: openBlobs(places.blobs(home), { toRead: true }),
    journal: () => journal ?? absent(),
    record: (seq: number) => journal?.record(seq) ?? absent(),
    ended: async () => undefined,
  };
  return mounts(deps as unknown as Deps);
}
