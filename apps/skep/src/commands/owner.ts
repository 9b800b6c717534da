import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { kinds } from "@skep/fault";
import { configSources } from "../config/mod.ts";
import { defaultNodeFolder } from "../node/place.ts";
import { fault } from "../owner/faults.ts";
import type { Heard } from "../owner/word.ts";
import { userHome } from "../person.ts";

const folderFlag = {
  kind: "directory",
  doc: "Folder of one worker; by default that of `skep join` and those of the hive here",
} as const;

async function foldersOf(context: Context, given: string | undefined): Promise<string[]> {
  const { isWorkerFolder, workerFolders } = await import("../owner/view.ts");
  if (given !== undefined && !isWorkerFolder(given)) throw fault.folder(given);
  if (given !== undefined) return [given];
  const { home } = configSources(context, {}, userHome);
  const found = workerFolders(defaultNodeFolder(context.io.env, userHome), home);
  if (found.length === 0) throw fault.none();
  return found;
}

/** `skep owner`. */
export const owner: Command = command({
  name: "owner",
  group: "hive",
  summary:
    "Show what this machine lends: the owner's rules, what they say now, how often and how long work stood still",
  doc: "Reads the worker's folder and asks no hive. The rules are in owner.toml there: --init writes one to begin with, and a change counts as soon as it is saved.",
  examples: [
    { run: "skep owner", doc: "Rules, present state with its reason, this month's statement" },
    { run: "skep owner --init", doc: "Write an owner.toml with every rule explained" },
    { run: "skep owner --html lent.html", doc: "The same with all months, as a page for a browser" },
  ],
  flags: {
    "worker-home": folderFlag,
    month: { kind: "string", value: "YYYY-MM", doc: "Another month's statement" },
    html: { kind: "string", value: "FILE", doc: "Write a page that needs nothing else; - for stdout" },
    init: { kind: "boolean", doc: "Write owner.toml into the folder, where there is none" },
    check: { kind: "boolean", doc: "Name everything that is wrong with the owner.toml that counts" },
  },
  run: async (context) => {
    const { flags, out, io } = context;
    const folders = await foldersOf(context, flags["worker-home"]);
    const shown = await import("../owner/show.ts");
    if (flags.init) return await shown.init(folders, out);
    if (flags.check) return await shown.check(folders, configSources(context, {}, userHome).home, out);
    const now = io.clock.now();
    if (flags.html !== undefined) return await shown.html(folders, flags.html, now, out);
    await shown.show(folders, flags.month, now, out);
    return undefined;
  },
});

async function tell({ out }: Context, folder: string, heard: Heard, pause: boolean): Promise<void> {
  if (out.wantsJson) return await out.json({ folder, ...heard });
  if (heard.heard) return await out.line(toned("strong", `${heard.state}: `), `${heard.why} (${folder})`);
  const later = pause ? "it will begin paused" : "it may work when it is started";
  out.message(
    heard.state === "none" ? `No worker runs from ${folder} now; ${later}` : `${folder}: ${heard.why}`,
  );
}

async function say(context: Context, given: string | undefined, forMs: number | undefined, pause: boolean) {
  const { io, signal } = context;
  const folders = await foldersOf(context, given);
  const { sayPause, awaited } = await import("../owner/word.ts");
  const at = io.clock.now();
  const word = pause ? { at, ...(forMs === undefined ? {} : { until: at + forMs }) } : undefined;
  // All are told before any is waited for: one that does not answer holds up no other.
  for (const folder of folders) sayPause(folder, word);
  const heard = await Promise.all(
    folders.map(async (folder) => ({ folder, ...(await awaited(folder, pause, io.clock, signal)) })),
  );
  for (const { folder, ...one } of heard) await tell(context, folder, one, pause);
  return heard.some(({ state }) => state === "unknown") ? kinds.timeout.exit : 0;
}

/** `skep pause`. */
export const pause: Command = command({
  name: "pause",
  group: "hive",
  summary: "Take this machine back: work stops at once and goes back to its hives",
  doc: "Needs no hive. It lasts until `skep resume`, over restarts too, or as long as --for says.",
  examples: [
    { run: "skep pause", doc: "Until `skep resume`" },
    { run: "skep pause --for 2h", doc: "For two hours" },
  ],
  flags: { "worker-home": folderFlag, for: { kind: "duration", doc: "Go on by itself after so long" } },
  run: async (context) => await say(context, context.flags["worker-home"], context.flags.for, true),
});

/** `skep resume`. */
export const resume: Command = command({
  name: "resume",
  group: "hive",
  summary: "Lend this machine again, as far as its owner's other rules let it",
  examples: [{ run: "skep resume", doc: "After `skep pause`" }],
  flags: { "worker-home": folderFlag },
  run: async (context) => await say(context, context.flags["worker-home"], undefined, false),
});
