import { delay } from "@skep/clock";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import type { Family } from "@skep/provider-metrics";
import { connectOf } from "../client/connect.ts";
import { type Moment, topRows } from "../client/figures.ts";
import { realClock } from "../clock.ts";

const fault = faults("top", {
  every: ["invalid", "Cannot look that often", { cure: "Give seconds from 0.2 to 3600" }],
});

async function momentOf(client: Client, signal: AbortSignal): Promise<Moment> {
  const text = await client.readAll("/proc/metrics.json", { signal });
  return { at: realClock.monotonic(), families: JSON.parse(text.toString()) as Family[] };
}

async function show({ out }: Context, now: Moment, before: Moment | undefined): Promise<void> {
  if (out.wantsJson) return out.json(now.families);
  // On a terminal each look takes the place of the last one; elsewhere they follow each other.
  if (out.isTTY) await out.data("\x1b[H\x1b[2J", { raw: true });
  for (const { name, value } of topRows(now, before)) await out.line(toned("dim", name.padEnd(22)), value);
  if (!out.isTTY) await out.line("");
}

async function run(context: Context, every: number, looks: number): Promise<number> {
  if (!(every >= 0.2 && every <= 3600)) throw fault.every(every);
  const { signal } = context;
  await using client = await connectOf(context);
  let before: Moment | undefined;
  for (let left = looks; left > 0 && !signal.aborted; left -= 1) {
    const now = await momentOf(client, signal);
    await show(context, now, before);
    before = now;
    if (left > 1) await delay(realClock, every * 1000, signal).catch(() => undefined);
  }
  return 0;
}

/** `skep top`. */
export const top: Command = command({
  name: "top",
  group: "hive",
  summary: "Show what the hive does, second by second",
  doc: "The same numbers as /metrics over HTTP: both are read from /proc/metrics.",
  examples: [
    { run: "skep top", doc: "Until Ctrl-C" },
    { run: "skep top --once --json", doc: "All figures once, as JSON" },
  ],
  flags: {
    every: { kind: "number", value: "SECONDS", doc: "Time between two looks; 1 by default" },
    once: { kind: "boolean", doc: "One look" },
    count: { kind: "integer", least: 1, value: "N", doc: "End after so many looks" },
  },
  run: (context) => {
    const { every = 1, count = Number.POSITIVE_INFINITY, once } = context.flags;
    return run(context, every, once ? 1 : count);
  },
});
