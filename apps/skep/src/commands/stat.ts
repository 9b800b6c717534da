import { type Command, type Context, command, toned } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { formatTime } from "@skep/text";
import { connectOf } from "../client/connect.ts";
import { statOf } from "../client/tree.ts";

/** Tells what a file is as `skep stat` does. */
export async function showStat(context: Context, client: Client, path: string): Promise<void> {
  const { out, signal } = context;
  const told = await statOf(client, path, signal);
  if (out.wantsJson) return out.json(told);
  const rows: Readonly<Record<string, string>> = {
    path: told.path,
    kind: told.kind,
    mode: told.mode,
    size: String(told.size),
    version: String(told.version),
    modified: formatTime(told.modified),
  };
  for (const [name, value] of Object.entries(rows)) await out.line(toned("dim", name.padEnd(10)), value);
}

/** `skep stat`. */
export const stat: Command = command({
  name: "stat",
  group: "files",
  summary: "Tell what a file of the hive is",
  examples: [{ run: "skep stat /log/queen.log", doc: "Its size, version, and when it changed" }],
  args: [{ name: "path", kind: "path", doc: "The file or directory" }],
  run: async (context) => {
    await using client = await connectOf(context);
    await showStat(context, client, context.args.path);
  },
});
