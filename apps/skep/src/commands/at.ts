import { type Command, command, parseDuration } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { connectOf } from "../client/connect.ts";
import { showDifference } from "./at-diff.ts";
import { showFile } from "./cat.ts";
import { showList } from "./ls.ts";
import { showStat } from "./stat.ts";

const fault = faults("at", {
  when: [
    "invalid",
    "Cannot read the moment",
    { cure: "Write a sequence (107), a time (2026-01-31T12:00Z), or how long ago (2h)" },
  ],
  other: [
    "invalid",
    "Cannot compare with nothing",
    { cure: "Name the other moment: `skep at 107 diff 120`" },
  ],
  path: ["invalid", "Cannot look there: not one path", { cure: "Write one that begins with /" }],
  future: ["invalid", "Cannot look at what is still to come", { cure: "Give a time that has passed" }],
});

/** The name below `/at` of a moment: a sequence or an ISO time as it is, `2h` as the time that long ago. */
export function momentName(text: string, now: number): string {
  const ago = parseDuration(text);
  if (ago.ok && !/^\d+$/.test(text)) return new Date(now - ago.value).toISOString();
  if (!/^[\dTZ:.-]+$/.test(text)) throw fault.when(text);
  // Without a zone it is UTC here, and the time of this machine to Date.
  const time = /^\d+$/.test(text)
    ? Number.NaN
    : Date.parse(/[TZ]/.test(text) ? `${text.replace(/Z$/, "")}Z` : text);
  if (time > now) throw fault.future(text);
  return text;
}

/** `skep at`. */
export const at: Command = command({
  name: "at",
  group: "files",
  summary: "Look at the files as they were",
  doc: "After the record of a sequence, or at a time (UTC). The right `history` is needed, and what the ticket may see now. What is there: everything that the journal tells of, such as /jobs, /worker and /policy, without streams, controls and blobs; the rest tells of the present only.",
  examples: [
    { run: "skep at 107 cat /jobs/3/status", doc: "After record 107" },
    { run: "skep at 2026-01-31T12:00Z ls /worker", doc: "At noon" },
    { run: "skep at 2h ls /jobs", doc: "Two hours ago" },
    { run: "skep at 2h diff 1h /policy", doc: "What became other between two moments" },
  ],
  args: [
    { name: "when", kind: "string", doc: "A sequence, a time, or how long ago" },
    { name: "what", kind: "choice", choices: ["ls", "cat", "stat", "diff"], doc: "What to do there" },
    { name: "path", kind: "string", doc: "The path; / by default. diff: the other moment", optional: true },
    { name: "below", kind: "path", doc: "diff: the path", optional: true },
  ],
  flags: {
    long: { kind: "boolean", short: "l", doc: "ls: modes, sizes and times too" },
    raw: { kind: "boolean", doc: "cat: bytes as they are on a terminal too" },
  },
  run: async (context) => {
    const { args, flags, io } = context;
    const first = momentName(args.when, io.clock.now());
    if (args.what === "diff") {
      if (args.path === undefined) throw fault.other();
      const second = momentName(args.path, io.clock.now());
      await using client = await connectOf(context);
      return await showDifference(context, client, [first, second], args.below ?? "/");
    }
    if (args.below !== undefined || !(args.path ?? "/").startsWith("/")) throw fault.path(args.path);
    const path = `/at/${first}${args.path === "/" ? "" : (args.path ?? "")}`;
    await using client = await connectOf(context);
    if (args.what === "ls") await showList(context, client, path, flags.long);
    else if (args.what === "cat") await showFile(context, client, path, flags.raw);
    else await showStat(context, client, path);
    return undefined;
  },
});
