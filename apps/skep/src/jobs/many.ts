import { open } from "node:fs/promises";
import type { Context } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { fault } from "./faults.ts";
import { type Outcome, stored } from "./outcome.ts";

/** The exit code of many jobs of which one did not end well. */
export const someFailed = 5;

/** Whether a job ended with exit code 0 and a receipt that verifies. */
export const isGood = ({ status, verified }: Outcome): boolean =>
  verified && status.reason === "exit" && status.exit === 0;

/** Writes one stream of a job to a file. Throws `run.output`. */
export async function writeStream(
  client: Client,
  { job, ...outcome }: Outcome,
  stream: "stdout" | "stderr",
  path: string,
) {
  try {
    await using file = await open(path, "w");
    const held = outcome[stream];
    if (held) await file.writeFile(held);
    else for await (const bytes of stored(client, job, stream)) await file.writeFile(bytes);
  } catch (cause) {
    throw fault.output(path, { cause });
  }
}

/** What is told of a job that did not end well. */
export function problemOf(name: string, outcome: Outcome): string {
  const { state, reason, exit, message } = outcome.status;
  if (reason !== "exit") return `${name} (job ${outcome.job}) ${state}: ${message || reason}`;
  const how = outcome.verified ? `${reason}${exit ? ` ${exit}` : ""}` : outcome.why;
  return `${name} (job ${outcome.job}) ${state}: ${how}${message ? `: ${message}` : ""}`;
}

/** Output of a job, to ours. */
export async function print(
  { out, io }: Context,
  client: Client,
  { job, stdout, stderr }: Outcome,
): Promise<void> {
  if (stderr?.length) await io.stderr.write(stderr);
  if (stdout) await out.data(stdout);
  else for await (const bytes of stored(client, job, "stdout")) await out.data(Buffer.from(bytes));
}
