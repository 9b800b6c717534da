import { randomUUID } from "node:crypto";
import { setTimeout as later } from "node:timers/promises";
import type { Context } from "@skep/edge-cli";
import type { Answer } from "@skep/kernel";
import type { Client } from "@skep/ninep";
import { givenClientFile } from "../manifest/client-file.ts";
import { connect, targetOf } from "./connect.ts";
import { appendLine } from "./control.ts";
import { type Patience, SessionPool } from "./pool.ts";

/** Where no `SKEP_MANIFEST` says otherwise: the defaults of `[client]`. */
export const usualPool: {
  readonly sessions: Record<"control" | "telemetry", number>;
  readonly retry: Patience;
} = {
  sessions: { control: 2, telemetry: 24 },
  retry: { times: 3, wait_ms: 200, most_ms: 2000 },
};

/** Sessions of the hive that a command means. */
export function poolOf(context: Pick<Context, "global" | "io" | "signal">): SessionPool<Client> {
  const { sessions, retry } = givenClientFile(context.io.env) ?? usualPool;
  const target = targetOf(context);
  return new SessionPool({
    sessions,
    retry,
    open: () => connect(target, context.signal),
    close: (client) => client.close(),
    wait: (ms) => later(ms, undefined, { signal: context.signal }),
  });
}

/**
 * Gives one command to a control, once however often it is sent: its key has the hive answer a second time what it answered
 * the first. Throws the fault of a refusal.
 */
export function command(
  pool: SessionPool<Client>,
  path: string,
  line: Readonly<Record<string, unknown>>,
  signal?: AbortSignal,
): Promise<Answer> {
  const text = JSON.stringify({ ...line, $key: randomUUID() });
  return pool.run("control", (client) => appendLine(client, path, text, signal));
}
