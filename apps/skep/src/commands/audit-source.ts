import { existsSync } from "node:fs";
import type { Context, FlagSpec } from "@skep/edge-cli";
import { Fault, faults } from "@skep/fault";
import { connect, targetOf } from "../client/connect.ts";
import type { LogSource } from "../proof/source.ts";

/** Flags of every command that reads the log. */
export const logFlags = {
  offline: { kind: "boolean", doc: "Read the journal of the home itself, not through a running hive" },
} as const satisfies Record<string, FlagSpec>;

const fault = faults("audit-range", {
  beyond: ["absent", "Cannot find record: the log has not so many"],
  range: [
    "invalid",
    "Cannot read records: --from is beyond --to",
    { cure: "Give the first record with --from and the last with --to" },
  ],
});

/** The first record that is meant and the one behind the last, of a log of `size`. Throws `audit-range.*`. */
export function rangeOf(size: number, from = 0, to = size - 1): readonly [number, number] {
  if (from > to && size > 0) throw fault.range(`${from} and ${to}`);
  if (to >= size) throw fault.beyond(`${to}`, { cure: `The last one is ${size - 1}` });
  return [from, to + 1];
}

/** The flag with the log's key, for commands that verify. */
export const keyFlag = {
  key: {
    kind: "string",
    value: "VKEY",
    repeat: true,
    doc: "Key of the log, as `skep audit key` prints it; default: the key in the home",
  },
} as const satisfies Record<string, FlagSpec>;

/** An open log and what it was opened through. */
export interface OpenLog extends AsyncDisposable {
  readonly source: LogSource;
}

async function ofHome(home: string): Promise<OpenLog> {
  const { homeLog } = await import("../proof/source.ts");
  const source = await homeLog(home);
  return { source, [Symbol.asyncDispose]: () => source[Symbol.asyncDispose]() };
}

/**
 * The log that a command means: that of a running hive; of the home's journal where the hive is down or `offline`
 * is asked for.
 */
export async function openLog(context: Context, offline: boolean): Promise<OpenLog> {
  const target = targetOf(context);
  if (offline && target.home !== undefined) return ofHome(target.home);
  try {
    const client = await connect(target, context.signal);
    const { hiveLog } = await import("../proof/source.ts");
    const source = await hiveLog(client, target.name, context.signal);
    return { source, [Symbol.asyncDispose]: () => client.close() };
  } catch (thrown) {
    const down = thrown instanceof Fault && thrown.code === "client.down";
    if (!down || target.home === undefined || !existsSync(target.home)) throw thrown;
    context.out.message("The hive is down: reading the journal of its home");
    return ofHome(target.home);
  }
}
