import { readFileSync } from "node:fs";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { formatCount } from "@skep/text";
import { homeOf, targetOf } from "../client/connect.ts";
import { replacePrivate } from "../client/files.ts";
import type { Verdict } from "../proof/verify.ts";
import { keyFlag, logFlags, openLog } from "./audit-source.ts";

const fault = faults("audit-verify", {
  since: [
    "invalid",
    "Cannot compare with what is no checkpoint",
    { cure: "Give a file that `skep audit verify --save` wrote" },
  ],
});

/** The text of a file with a checkpoint; who signed it is checked later. Throws `audit-verify.since`. */
async function checkpointIn(file: string): Promise<string> {
  const { parseNote, parseCheckpoint } = await import("@skep/tlog");
  const text = readFileSync(file, "utf8");
  try {
    parseCheckpoint(parseNote(text).text);
    return text;
  } catch (cause) {
    throw fault.since(file, { cause });
  }
}

type Verified = Verdict & { readonly from?: number; readonly to?: number; readonly checkpoint: string };

async function verify(
  context: Context,
  file: string | undefined,
  options: {
    readonly offline: boolean;
    readonly keys: readonly string[];
    readonly since: string | undefined;
    readonly policy: string | undefined;
  },
): Promise<Verified> {
  const { trustFor, trustOfPolicy } = await import("../proof/trust.ts");
  // The key of this machine's hive says nothing about that of a context.
  const home = file === undefined ? targetOf(context).home : homeOf(context);
  const trust = options.policy === undefined ? trustFor(options.keys, home) : trustOfPolicy(options.policy);
  const since = options.since === undefined ? undefined : await checkpointIn(options.since);
  if (file !== undefined) {
    const { readHead, verifyExport } = await import("../proof/export.ts");
    const { checkpoint, from, to } = await readHead(file);
    using bar = context.out.progress({ label: "Verifying", total: to - from, unit: "records" });
    return { ...(await verifyExport(file, trust, { since, step: (done) => bar.set(done) })), checkpoint };
  }
  await using log = await openLog(context, options.offline);
  const { verifyLog } = await import("../proof/verify.ts");
  using bar = context.out.progress({ label: "Verifying", total: log.source.size, unit: "records" });
  const cosigned = options.policy === undefined ? undefined : log.source.cosigned || log.source.checkpoint;
  const verdict = await verifyLog(log.source, trust, { since, cosigned, step: (done) => bar.set(done) });
  return { ...verdict, checkpoint: log.source.checkpoint };
}

/** `skep audit verify`. */
export const auditVerify: Command = command({
  name: "audit verify",
  group: "proof",
  summary: "Verify every record of the log against its signed checkpoint",
  doc: "Works on a running hive, on the home of one that is down, and on an exported file with nothing else than the key. A remembered checkpoint shows that the log was only added to since.",
  examples: [
    { run: "skep audit verify", doc: "This hive's log" },
    { run: "skep audit verify --since last.checkpoint --save last.checkpoint", doc: "Each night" },
    { run: "skep audit verify log.jsonl --key 'skep.invalid/hive-…+…'", doc: "A file, anywhere" },
  ],
  args: [{ name: "file", kind: "file", doc: "An exported log; default: the hive's own", optional: true }],
  flags: {
    ...logFlags,
    ...keyFlag,
    since: { kind: "file", doc: "A checkpoint that was saved; the log must continue it" },
    policy: {
      kind: "file",
      doc: "A C2SP tlog-policy: keys of the log and of witnesses, and how many cosignatures are due",
    },
    save: { kind: "file", doc: "Keep the verified checkpoint there" },
  },
  run: async (context) => {
    const { args, flags, out } = context;
    const { offline, key: keys, since, policy } = flags;
    const found = await verify(context, args.file, { offline, keys, since, policy });
    if (flags.save !== undefined) replacePrivate(flags.save, found.checkpoint);
    const { origin, size, root, from = 0, to = size } = found;
    if (out.wantsJson)
      return out.json({
        verified: true,
        origin,
        size,
        root,
        from,
        to,
        since: found.since,
        cosigned: found.cosigned,
      });
    await out.line(toned("good", "verified "), `${formatCount(to - from)} records of ${origin}`);
    await out.line(`  size ${size}, root ${root}`);
    if (found.cosigned !== undefined)
      await out.line(`  cosigned as the policy asks at ${formatCount(found.cosigned)} records`);
    if (found.since !== undefined)
      await out.line(`  continues the checkpoint of ${formatCount(found.since)} records`);
    return undefined;
  },
});

/** `skep audit key`. */
export const auditKey: Command = command({
  name: "audit key",
  group: "proof",
  summary: "Print the key with which others verify this hive's log",
  doc: "One line for each key that was used; the first is the one in use. It is public.",
  examples: [{ run: "skep audit key", doc: "For `skep audit verify --key`, or any C2SP tool" }],
  run: async (context) => {
    const { hiveHome } = await import("../access/home.ts");
    const { logVerifiers } = await import("../proof/trust.ts");
    const { printVkey } = await import("@skep/tlog");
    const keys = logVerifiers(hiveHome(context)).map(printVkey);
    if (context.out.wantsJson) return context.out.json({ keys });
    await context.out.data(keys.map((key) => `${key}\n`).join(""));
    return undefined;
  },
});
