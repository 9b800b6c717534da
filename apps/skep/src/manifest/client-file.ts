import { readFileSync } from "node:fs";
import { faults } from "@skep/fault";
import { consoleLimits } from "@skep/grammar";
import { z } from "zod";
import type { Resolved } from "./document.ts";

const fault = faults("client-file", {
  read: [
    "invalid",
    "Cannot read the file that this client was made from",
    { cure: "Make it at the hive: `skep manifest client`; SKEP_MANIFEST names it" },
  ],
});

const count = z.int().min(0);

/** What a client of a hive is made from: its manifest's fingerprint, and what of the manifest concerns clients. */
export const ClientFile = z
  .object({
    schema: z.literal("skep-client/v1"),
    /** Fingerprint of the manifest, 64 hex digits. */
    manifest: z.string().regex(/^[0-9a-f]{64}$/),
    console: z.object({
      line: count,
      path: count,
      payload: count,
      /** Of ECHO to files below these paths. */
      payloads: z.record(z.string(), count),
      role: count,
      ticket: count,
      worker: count,
      /** Of MAC tickets. */
      scopes: count,
      scope_path: count,
      scope_rate: count,
    }),
    /** Sessions at a time. */
    sessions: z.object({ control: z.int().min(1), telemetry: z.int().min(1) }),
    retry: z.object({ times: count, wait_ms: count, most_ms: count }),
    timeout_ms: count,
    heartbeat_ms: count,
  })
  .meta({ id: "ClientFile" });

/** A checked one. */
export type ClientFile = z.output<typeof ClientFile>;

/** The file for clients of a manifest. */
export function clientFile({
  manifest: { settings },
  hash,
}: Pick<Resolved, "manifest" | "hash">): ClientFile {
  const { line, path, payload, payloads, role, ticket, worker } = consoleLimits;
  const limits = {
    ...{ line, path, payload, payloads, role, ticket, worker },
    scopes: settings["console.ticket_scopes"],
    scope_path: settings["console.ticket_path"],
    scope_rate: settings["console.ticket_rate"],
  };
  return ClientFile.parse({
    schema: "skep-client/v1",
    manifest: hash,
    console: limits,
    sessions: {
      control: settings["client.control_sessions"],
      telemetry: settings["client.telemetry_sessions"],
    },
    retry: {
      times: settings["client.retries"],
      wait_ms: settings["client.retry_wait"],
      most_ms: settings["client.retry_most"],
    },
    timeout_ms: settings["client.timeout"],
    heartbeat_ms: settings["client.heartbeat"],
  });
}

/** The file that `SKEP_MANIFEST` names; nothing where it names none. Throws `client-file.read`. */
export function givenClientFile(env: Readonly<Record<string, string | undefined>>): ClientFile | undefined {
  const path = env.SKEP_MANIFEST;
  if (!path) return undefined;
  try {
    return ClientFile.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw fault.read(path, { cause });
  }
}
