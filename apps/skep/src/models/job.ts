import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";
import type { Client } from "@skep/ninep";
import { z } from "zod";
import { replacePrivate } from "../client/files.ts";
import { fault } from "./faults.ts";
import { checkedFile } from "./partial.ts";

const Status = z.object({ state: z.string(), bytes: z.number(), digest: z.string() });
const piece = 1024 * 1024;

/** What was fetched of an export job. */
export interface FetchedJob {
  readonly job: string;
  readonly bytes: number;
  /** Bytes of telemetry that travelled. */
  readonly fetched: number;
  readonly base_model: string;
}

/**
 * Fetches a LoRA export job: `telemetry.cbor` goes on where a cut left it and is checked by its digest, the rest is small.
 * Throws `model.{unready,changed}`.
 */
export async function fetchJob(
  client: Client,
  job: string,
  to: string,
  signal?: AbortSignal,
): Promise<FetchedJob> {
  const at = (file: string): string => `/queen/export/lora_jobs/${job}/${file}`;
  const text = await client.readAll(at("status.json"), { signal });
  const { state, bytes, digest } = Status.parse(JSON.parse(text.toString("utf8")));
  if (state !== "ready") throw fault.unready(`${job} is ${state}`);
  await mkdir(to, { recursive: true, mode: 0o700 });
  const path = join(to, "telemetry.cbor");
  const fetched = await checkedFile(path, { bytes, digest }, async (part, from) => {
    await using file = await open(part, "a");
    let next = from;
    await using source = await client.open(at("telemetry.cbor"), "read", { signal });
    while (next < bytes) {
      const got = await source.read(next, Math.min(piece, bytes - next), { signal });
      if (got.length === 0) throw fault.changed(`${next} of ${bytes} bytes`);
      await file.writeFile(got);
      next += got.length;
    }
    await file.sync();
  });
  const base = await client.readAll(at("base_model.ref"), { signal });
  replacePrivate(join(to, "base_model.ref"), base);
  replacePrivate(join(to, "policy.toml"), await client.readAll(at("policy.toml"), { signal }));
  replacePrivate(join(to, "job"), `${job}\n`);
  return { job, bytes, fetched, base_model: base.toString("utf8").trim() };
}
