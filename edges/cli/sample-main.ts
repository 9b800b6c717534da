import { setTimeout as wait } from "node:timers/promises";
import { type Clock, delay } from "@skep/clock";
import { command } from "./command.ts";
import { processIo } from "./process-io.ts";
import { runProgram } from "./run.ts";
import { sample } from "./sample.ts";

// The sample program as a real process: the tests of shells, pipes and signals start it.
const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, ms).unref();
    return { stop: () => clearTimeout(timer) };
  },
};

const declared = sample((name, given) => process.stderr.write(`${name} ${JSON.stringify(given)}\n`));
const extra = [
  command({
    name: "flood",
    group: "work",
    summary: "Write many bytes at once",
    examples: [{ run: "skep flood 10", doc: "Ten" }],
    args: [{ name: "bytes", kind: "integer", doc: "How many" }],
    run: async ({ args, out }) => {
      void out.data("x".repeat(args.bytes));
    },
  }),
  command({
    name: "wait",
    group: "work",
    summary: "Wait for a signal",
    examples: [{ run: "skep wait", doc: "For ever" }],
    run: async ({ out, signal }) => {
      await out.data("waiting\n");
      await wait(60_000, undefined, { signal });
    },
  }),
  command({
    name: "look",
    group: "work",
    summary: "Wait for nothing but the clock",
    examples: [{ run: "skep look", doc: "For a moment" }],
    run: async ({ io, out }) => {
      await delay(io.clock, 50);
      await out.line("seen");
    },
  }),
];
const code = await runProgram(
  { ...declared, commands: [...declared.commands, ...extra] },
  processIo(process, clock),
);
process.exit(code);
