import { readFileSync, writeFileSync } from "node:fs";
import type { Wire } from "@skep/ninep";
import { hasCode } from "../client/files.ts";
import { fault, parseTrace, printTrace } from "./trace.ts";
import { recording, replaying } from "./wires.ts";

/** What is done with the connections of a command: `SKEP_TRACE=record:FILE` or `replay:FILE`. */
export interface Tracing {
  readonly what: "record" | "replay";
  /** The file of one more connection: the second of a command has one of its own. */
  readonly file: () => string;
}

type Env = Readonly<Record<string, string | undefined>>;

/** Connections of a command so far. */
const connections = new WeakMap<Env, number>();

/** Throws `trace.setting`. */
export function tracingOf(env: Env): Tracing | undefined {
  const text = env.SKEP_TRACE;
  if (!text) return undefined;
  const [, what, file] = /^(record|replay):(.+)$/.exec(text) ?? [];
  if ((what !== "record" && what !== "replay") || file === undefined) throw fault.setting(text);
  return {
    what,
    file: () => {
      const count = (connections.get(env) ?? 0) + 1;
      connections.set(env, count);
      return count === 1 ? file : `${file}.${count}`;
    },
  };
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (thrown) {
    if (hasCode(thrown, "ENOENT", "ENOTDIR", "EACCES", "EISDIR")) throw fault.unread(file, { cause: thrown });
    throw thrown;
  }
}

/** The wire of a connection: recorded, or out of a trace, where no hive is asked. Throws `trace.*`. */
export async function tracedWire(tracing: Tracing, dial: () => Promise<Wire>): Promise<Wire> {
  const file = tracing.file();
  if (tracing.what === "replay") return replaying(parseTrace(read(file)));
  const wire = await dial();
  // What was answered may be secret.
  return recording(wire, (trace) => writeFileSync(file, printTrace(trace), { mode: 0o600 }));
}
