import { type Context, toned } from "@skep/edge-cli";
import { faults, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { escapeLines } from "@skep/text";
import { below, list } from "../client/tree.ts";

const fault = faults("at-diff", {
  large: ["oversize", "Cannot compare so many files", { cure: "Name a path further down" }],
});

const mostFiles = 5000;

/** The same places once more, under another name. */
const again = new Set(["/shard"]);

/** A file that is not the same at two moments; null where it was not there. */
interface Change {
  readonly path: string;
  readonly before: string | null;
  readonly after: string | null;
}

/** The text of every file below a path, by its path. Throws `at-diff.large`. */
async function* filesOf(
  client: Client,
  moment: string,
  path: string,
  signal: AbortSignal,
): AsyncGenerator<string> {
  const at = `/at/${moment}${path === "/" ? "" : path}`;
  const { kind } = await kindOf(client, at, signal);
  if (kind === "none") return;
  if (kind === "file") return void (yield path);
  const names = (await list(client, at, signal)).toSorted((one, other) => (one.name < other.name ? -1 : 1));
  for (const { name, kind: of } of names) {
    const child = below(path, name);
    if (again.has(child)) continue;
    if (of === "dir") yield* filesOf(client, moment, child, signal);
    else yield child;
  }
}

async function kindOf(client: Client, path: string, signal: AbortSignal) {
  try {
    await using file = await client.walk(path, { signal });
    return { kind: (file.qid.type & 0x80) === 0 ? ("file" as const) : ("dir" as const) };
  } catch (thrown) {
    if (toFault(thrown).kind !== "absent") throw thrown;
    return { kind: "none" as const };
  }
}

/** Its text; null where it tells of the present only, though it is listed. */
async function textOf(
  client: Client,
  moment: string,
  path: string,
  signal: AbortSignal,
): Promise<string | null> {
  try {
    return Buffer.from(await client.readAll(`/at/${moment}${path}`, { signal })).toString();
  } catch (thrown) {
    // What fails for one file says nothing about the others.
    if (["absent", "internal"].includes(toFault(thrown).kind)) return null;
    throw thrown;
  }
}

async function* changes(
  client: Client,
  [first, second]: readonly [string, string],
  path: string,
  signal: AbortSignal,
): AsyncGenerator<Change> {
  const earlier = new Set(await Array.fromAsync(filesOf(client, first, path, signal)));
  const later = new Set(await Array.fromAsync(filesOf(client, second, path, signal)));
  const all = [...earlier.union(later)].sort();
  if (all.length > mostFiles) throw fault.large(`${all.length} below ${path}`);
  for (const each of all) {
    const before = earlier.has(each) ? await textOf(client, first, each, signal) : null;
    const after = later.has(each) ? await textOf(client, second, each, signal) : null;
    if (before !== after) yield { path: each, before, after };
  }
}

const linesOf = (text: string | null): string[] =>
  text === null || text === "" ? [] : text.replace(/\n$/, "").split("\n");

/** Lines that went and lines that came, between what both begin and end with. */
function difference({ before, after }: Change): readonly string[] {
  const [was, is] = [linesOf(before), linesOf(after)];
  let from = 0;
  while (from < was.length && from < is.length && was[from] === is[from]) from += 1;
  let same = 0;
  while (same < Math.min(was.length, is.length) - from && was.at(-1 - same) === is.at(-1 - same)) same += 1;
  return [
    ...was.slice(from, was.length - same).map((line) => `-${line}`),
    ...is.slice(from, is.length - same).map((line) => `+${line}`),
  ];
}

/** Shows what is not the same at two moments below a path. */
export async function showDifference(
  { out, signal }: Context,
  client: Client,
  moments: readonly [string, string],
  path: string,
): Promise<void> {
  let count = 0;
  for await (const change of changes(client, moments, path, signal)) {
    count += 1;
    if (out.wantsJson) await out.json(change as never);
    else {
      const how = change.before === null ? "new" : change.after === null ? "gone" : "changed";
      await out.line(toned("strong", change.path), `  ${how}`);
      for (const line of difference(change)) await out.data(escapeLines(`${line}\n`));
    }
  }
  if (count === 0) out.message(`Nothing below ${path} is other than it was`);
}
