import { readFile } from "node:fs/promises";
import { faults } from "@skep/fault";
import { envelopeSchema } from "@skep/provider-telemetry";
import { realClock } from "../clock.ts";
import type { Check } from "./checks.ts";
import { type BenchPool, parseBench, poolBench } from "./pool-bench.ts";

const fault = faults("script", {
  push: ["invalid", "Cannot push telemetry with this", { cure: "telemetry push FILE --device NAME" }],
});

/** What the client's own verbs need. */
export interface Own extends BenchPool {
  readonly send: (line: string) => Promise<readonly string[]>;
  /** Runs a suite of the hive on this connection. */
  readonly suite: (mode: string) => Promise<readonly Check[]>;
  /** The console that is talked to, or nothing where the hive is asked over 9P. */
  readonly at: string | undefined;
}

const mostRecord = 4096;
const acked = (lines: readonly string[]): boolean => lines[0]?.startsWith("OK ") === true;

// As the original's client cuts a file: by its lines where they fit, each a record of a new segment.
async function push(words: readonly string[], { send }: Own): Promise<readonly string[]> {
  const [file = "", flag, device = ""] = words;
  if (flag !== "--device" || !/^[\w.-]{1,64}$/.test(device) || words.length !== 3)
    throw fault.push(words.join(" "));
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line !== "");
  const records = lines.map((payload, at) =>
    JSON.stringify({ schema: envelopeSchema, seq: at + 1, mime: "text/plain", payload }),
  );
  const wide = records.findIndex((record) => record.length >= mostRecord);
  if (wide >= 0) return [`ERR TELEMETRY reason=quota detail=oversize line=${wide + 1} most=${mostRecord}`];
  const base = `/queen/telemetry/${device}`;
  const made = await send(`ECHO ${base}/ctl {"new":"segment","mime":"text/plain"}`);
  if (!acked(made)) return made;
  const [, segment = ""] = await send(`CAT ${base}/latest`);
  for (const record of records) {
    const told = await send(`ECHO ${base}/seg/${segment} ${record}`);
    if (!acked(told)) return told;
  }
  return [`OK TELEMETRY device=${device} segment=${segment} records=${records.length}`];
}

async function suite(mode: string, { suite: run }: Own): Promise<readonly string[]> {
  const checks = await run(mode);
  const failed = checks.filter(({ result }) => result === "failed");
  const counts = `mode=${mode} checks=${checks.length} failed=${failed.length}`;
  if (failed.length === 0 && checks.length > 0) return [`OK TEST ${counts}`];
  return [...failed.map(({ name, why }) => `failed ${name}: ${why}`), `ERR TEST reason=policy ${counts}`];
}

async function diagnose({ at, open }: Own): Promise<readonly string[]> {
  const began = realClock.monotonic();
  await using talk = await open();
  await talk.ask("PING");
  const ms = Math.round(realClock.monotonic() - began);
  return [`OK TCP-DIAG at=${at ?? "9p"} attach=ok ping=ok elapsed_ms=${ms}`];
}

/** A verb of the original's client that no console has; undefined for all others, which are sent. */
export function ownVerb(text: string, own: Own): Promise<readonly string[]> | undefined {
  const words = text.trim().split(/[ \t]+/);
  const [first = "", second = "", ...rest] = words;
  const verb = first.toLowerCase();
  if (verb === "pool" && second.toLowerCase() === "bench") return poolBench(parseBench(rest), own);
  if (verb === "telemetry" && second.toLowerCase() === "push") return push(rest, own);
  if (verb === "tcp-diag") return diagnose(own);
  const [, mode = "quick"] = /^test(?:[ \t]+(?:--mode[ \t]+)?(quick|full))?$/i.exec(text.trim()) ?? [];
  return verb === "test" ? suite(mode, own) : undefined;
}
