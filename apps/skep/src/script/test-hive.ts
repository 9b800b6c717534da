import type { Context } from "@skep/edge-cli";
import { realClock } from "../clock.ts";
import { type Check, runSuite } from "./checks.ts";
import type { Mode } from "./suites.ts";
import { Conversation, type PlaceFlags, placeOf } from "./transport.ts";

/** What is tested, and how. */
export interface TestOptions {
  readonly mode: Mode;
  readonly connections: number;
  readonly mutate: boolean;
  /** Milliseconds for all of it. */
  readonly timeout: number;
  readonly flags: PlaceFlags;
  readonly late: () => Error;
}

/** What came of it. */
export interface Tested {
  readonly ok: boolean;
  readonly mode: Mode;
  readonly elapsed_ms: number;
  readonly checks: readonly Check[];
}

async function suiteOf(conversation: Conversation, mode: Mode): Promise<string> {
  await conversation.send("ATTACH queen ");
  const [ack = "", ...lines] = await conversation.send(`CAT /proc/tests/selftest_${mode}.coh`);
  if (!ack.startsWith("OK ")) throw new Error(`the hive does not serve the suite ${mode}: ${ack}`);
  // The console marks lines that would be taken for its own.
  return lines.slice(0, -1).join("\n");
}

/** Reads a suite from the hive and runs it, on as many connections as it is for. */
export async function testHive(context: Context, options: TestOptions): Promise<Tested> {
  const { mode, connections, mutate, timeout, flags, late } = options;
  const place = placeOf(flags);
  const began = realClock.monotonic();
  const all = Array.from({ length: connections }, () => new Conversation(context, place));
  const [first] = all;
  let timer: NodeJS.Timeout | undefined;
  try {
    const run = async (): Promise<Check[]> => {
      if (!first) return [];
      const suite = await suiteOf(first, mode);
      return (await Promise.all(all.map((each) => runSuite(suite, each, mutate)))).flat();
    };
    const over = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(late()), timeout);
    });
    const checks = await Promise.race([run(), over]);
    const ok = checks.length > 0 && checks.every(({ result }) => result !== "failed");
    return { ok, mode, elapsed_ms: Math.round(realClock.monotonic() - began), checks };
  } finally {
    clearTimeout(timer);
    await Promise.all(all.map((each) => each[Symbol.asyncDispose]()));
  }
}
