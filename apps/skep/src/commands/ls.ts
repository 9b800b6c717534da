import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { formatTime } from "@skep/text";
import { connectOf } from "../client/connect.ts";
import { below, list, type Listed, statOf, type Told } from "../client/tree.ts";

/** Stats that are asked for at a time. */
const window = 32;

async function statAll(
  client: Client,
  path: string,
  entries: readonly Listed[],
  signal: AbortSignal,
): Promise<(Told & Listed)[]> {
  const found: (Told & Listed)[] = [];
  for (let at = 0; at < entries.length; at += window) {
    const part = entries.slice(at, at + window).map(async (entry) => {
      const told = await statOf(client, entry.name === path ? path : below(path, entry.name), signal);
      return [{ ...entry, ...told }];
    });
    // What went away since it was listed is not there.
    const stated = part.map((each) => each.catch(goneOrThrow));
    found.push(...(await Promise.all(stated)).flat());
  }
  return found;
}

function goneOrThrow(thrown: unknown): [] {
  if (toFault(thrown).kind === "absent") return [];
  throw thrown;
}

const shown = ({ name, kind }: Listed): string => (kind === "dir" ? `${name}/` : name);

/** Lists a directory as `skep ls` does. */
export async function showList(context: Context, client: Client, path: string, long: boolean): Promise<void> {
  const { out, signal } = context;
  const entries = await list(client, path, signal);
  if (long) {
    await out.table(
      await statAll(client, path, entries, signal),
      [
        { title: "mode", cell: ({ mode }) => mode },
        { title: "size", cell: ({ size }) => String(size), align: "right" },
        { title: "modified", cell: ({ modified }) => formatTime(modified) },
        { title: "name", cell: shown },
      ],
      { titles: false },
    );
    return;
  }
  if (out.wantsJson) return out.json(entries);
  for (const entry of entries)
    await out.line(entry.kind === "dir" ? toned("name", shown(entry)) : shown(entry));
}

/** `skep ls`. */
export const ls: Command = command({
  name: "ls",
  group: "files",
  summary: "List a directory of the hive",
  doc: "Names of directories end with a slash. What a ticket does not open is not listed.",
  examples: [
    { run: "skep ls /", doc: "What there is" },
    { run: "skep ls -l /jobs", doc: "With modes, sizes and times" },
  ],
  args: [{ name: "path", kind: "path", doc: "The directory; / by default", optional: true }],
  flags: { long: { kind: "boolean", short: "l", doc: "Modes, sizes and times too" } },
  run: async (context) => {
    await using client = await connectOf(context);
    await showList(context, client, context.args.path ?? "/", context.flags.long);
  },
});
