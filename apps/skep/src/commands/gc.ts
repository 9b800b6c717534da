import { type Command, type Context, command } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { connectOf } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";

/** What `/cas/retention.json` tells. */
interface Told {
  readonly blobs: number;
  readonly output_bytes: number;
  readonly due_blobs: number;
  readonly due_bytes: number;
  readonly due_more: boolean;
  readonly named_by_live_jobs: number;
  readonly oldest: readonly { readonly digest: string; readonly size: number; readonly stored: number }[];
}

async function look({ out, signal }: Context, client: Client): Promise<void> {
  const text = Buffer.from(await client.readAll("/cas/retention.json", { signal })).toString("utf8");
  const told = JSON.parse(text) as Told;
  if (out.wantsJson) return out.json(told);
  for (const { digest, size, stored } of told.oldest)
    await out.line(digest, `  ${size} bytes, stored ${new Date(stored).toISOString()}`);
  const rest = told.due_blobs - told.oldest.length;
  if (rest > 0) await out.line(`… and ${rest}${told.due_more ? " or more" : ""} others`);
  await out.line(
    `Would remove ${told.due_blobs} of ${told.blobs} blobs, ${told.due_bytes} bytes; nothing was changed`,
  );
  return undefined;
}

type Swept = { readonly blobs: number; readonly bytes: number; readonly more: boolean };

async function collect({ out, signal }: Context, client: Client): Promise<void> {
  const sum = { blobs: 0, bytes: 0 };
  for (let more = true; more; ) {
    const { result } = await appendLine(client, "/cas/ctl", JSON.stringify({ op: "gc" }), signal);
    const swept = result as unknown as Swept;
    sum.blobs += swept.blobs;
    sum.bytes += swept.bytes;
    more = swept.more;
  }
  if (out.wantsJson) return out.json(sum);
  return out.line(`Removed ${sum.blobs} blobs, ${sum.bytes} bytes`);
}

/** `skep gc`. */
export const gc: Command = command({
  name: "gc",
  group: "care",
  summary: "Remove blobs that retention no longer keeps, now rather than within a day",
  doc: "Outputs are kept for retention.outputs_age and up to retention.outputs_size, what a job names for retention.ended_jobs_age after it was submitted; what a queued or running job names always stays. Jobs, receipts and the journal stay too.",
  examples: [
    { run: "skep gc --dry-run", doc: "What would go, and how many bytes" },
    { run: "skep gc", doc: "Let it go" },
  ],
  flags: { "dry-run": { kind: "boolean", doc: "Only tell; nothing is changed" } },
  run: async (context) => {
    await using client = await connectOf(context);
    await (context.flags["dry-run"] ? look(context, client) : collect(context, client));
  },
});
