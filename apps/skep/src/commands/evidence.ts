import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import type { EvidenceRecord, Pack, Verified } from "@skep/evidence";
import { Fault, faults, toFault } from "@skep/fault";
import type { Client } from "@skep/ninep";
import { escapeForeign, formatCount } from "@skep/text";
import type { Anchors } from "../anchor/anchor.ts";
import { connect, homeOf, targetOf } from "../client/connect.ts";
import { anchorFlags, anchorLines, anchorsOf, vouched } from "./evidence-anchors.ts";
import { keyFlag, logFlags, openLog, rangeOf } from "./audit-source.ts";

const fault = faults("evidence", {
  home: [
    "invalid",
    "Cannot pack without the home of the hive: its key seals the pack",
    { cure: "Run it where the hive lives, or name its home with --home" },
  ],
  impossible: [
    "corrupt",
    "Found what cannot have come about by the rules",
    { cure: "Look at the records with `skep audit cat`, and judge them again with `skep audit replay`" },
  ],
  differ: ["conflict", "The two are not the same"],
});

const group = "proof";

const rangeFlags = {
  from: {
    kind: "integer",
    least: 0,
    value: "SEQ",
    doc: "From this record on; default as many as --most allows",
  },
  to: { kind: "integer", least: 0, value: "SEQ", doc: "Up to and with this record; default the last" },
} as const;

const mostFlag = { kind: "integer", least: 1, default: "2000", doc: "Most records of a pack" } as const;

interface Wanted {
  readonly offline: boolean;
  readonly from?: number | undefined;
  readonly to?: number | undefined;
  readonly most: number;
}

async function clientOf(context: Context, offline: boolean): Promise<Client | undefined> {
  return offline ? undefined : connect(targetOf(context), context.signal).catch(() => undefined);
}

/** A pack of the hive as it is now. */
async function packNow(context: Context, wanted: Wanted & Anchors): Promise<Pack> {
  const { offline, from, to, most } = wanted;
  if (wanted.timestamp !== undefined || wanted.rekor !== undefined) {
    const { checkUrl } = await import("../anchor/anchor.ts");
    for (const url of [wanted.timestamp, wanted.rekor]) if (url !== undefined) checkUrl(url);
  }
  const home = homeOf(context);
  if (!existsSync(join(home, "keys", "log"))) throw fault.home(home);
  const { collect } = await import("../evidence/collect.ts");
  const client = await clientOf(context, offline);
  try {
    await using log = await openLog(context, offline || client === undefined);
    if (from !== undefined || to !== undefined) rangeOf(log.source.size, from, to);
    return await collect(home, log.source, client, { from, to, most }, context.signal);
  } finally {
    await client?.close();
  }
}

async function verified(path: string, keys: readonly string[]): Promise<Verified> {
  const [{ readPack }, { verify }] = await Promise.all([
    import("../evidence/folder.ts"),
    import("@skep/evidence"),
  ]);
  const files = await readPack(path);
  try {
    return verify(files, keys);
  } catch (thrown) {
    throw changedIn(path, toFault(thrown));
  }
}

// Which file of the pack is told already; what to do about it is the same for all.
function changedIn(path: string, { kind, code, message, cure }: Fault): Fault {
  const told = kind === "corrupt" ? `${message}, in the pack ${path}` : message;
  const extra = {
    cure: cure ?? "It is not as it was sealed: get the pack again from where it comes, or pack anew",
  };
  return new Fault(kind, code, told, extra);
}

function tellMade(context: Context, at: string, { root, page, withheld, files }: Pack): Promise<void> {
  const { out } = context;
  if (out.wantsJson) return out.json({ at, root, page, withheld, files: files.size });
  return (async () => {
    await out.line(toned("good", "packed "), `${files.size} files into ${at}`);
    await out.line(`  data root ${root}`);
    await out.line(`  evidence.html sha256 ${page}`);
    if (withheld > 0) await out.line(`  ${withheld} records withheld: something in them looks like a secret`);
  })();
}

const evidencePack: Command = command({
  name: "evidence pack",
  group,
  summary: "Pack records, proofs and state into a folder that verifies itself",
  doc: "The same state gives the same bytes. No secret can be in it: what may be packed is a list, records have references in the place of secrets, and a scanner looks for the home's own secrets and for what looks like one. Open evidence.html in any browser, without network, and compare what it shows with `skep evidence verify`.",
  examples: [
    { run: "skep evidence pack case-7", doc: "The newest 2000 records" },
    { run: "skep evidence pack case-7 --from 100 --to 180", doc: "What happened then" },
  ],
  args: [{ name: "folder", kind: "directory", doc: "A folder that is not there" }],
  flags: { offline: logFlags.offline, ...rangeFlags, most: mostFlag, ...anchorFlags },
  run: async (context) => {
    const { args, flags } = context;
    const made = await packNow(context, flags);
    const { writePack } = await import("../evidence/folder.ts");
    writePack(args.folder, made.files);
    await vouched(context, args.folder, made, flags);
    return tellMade(context, args.folder, made);
  },
});

const evidenceBundle: Command = command({
  name: "evidence bundle",
  group,
  summary: "The same as one tar file",
  examples: [{ run: "skep evidence bundle case-7.tar", doc: "To hand over" }],
  args: [{ name: "file", kind: "file", doc: "A file that is not there" }],
  flags: { offline: logFlags.offline, ...rangeFlags, most: mostFlag, ...anchorFlags },
  run: async (context) => {
    const { args, flags } = context;
    const made = await packNow(context, flags);
    const { writeBundle } = await import("../evidence/folder.ts");
    await writeBundle(args.file, made.files);
    await vouched(context, args.file, made, flags);
    return tellMade(context, args.file, made);
  },
});

const evidenceVerify: Command = command({
  name: "evidence verify",
  group,
  summary: "Verify a pack offline: digests, seal, page, checkpoint, every proof",
  examples: [
    { run: "skep evidence verify case-7", doc: "By the key in the pack" },
    { run: "skep evidence verify case-7.tar --key 'skep.invalid/hive-…+…'", doc: "By a key that you know" },
  ],
  args: [{ name: "pack", kind: "file", doc: "A folder, or a bundle" }],
  flags: {
    ...keyFlag,
    "tsa-ca": {
      kind: "file",
      doc: "Root certificates (PEM) that the authority of its timestamp must lead to",
    },
    "rekor-key": { kind: "string", value: "VKEY", doc: "Key of the Rekor log that it was uploaded to" },
  },
  run: async (context) => {
    const { args, flags, out } = context;
    const { root, page, manifest, records, trusted } = await verified(args.pack, flags.key ?? []);
    const anchors = await anchorsOf(args.pack, root, flags["tsa-ca"], flags["rekor-key"]);
    const { from, to, key, hive, withheld } = manifest;
    if (out.wantsJson)
      return out.json({
        verified: true,
        hive,
        from,
        to,
        records: records.length,
        withheld,
        root,
        page,
        key,
        trusted,
        ...anchors,
      } as never);
    await out.line(
      toned("good", "verified "),
      `${formatCount(to - from)} records of ${escapeForeign(hive, { form: "wire" })}`,
    );
    await out.line(`  data root ${root}`);
    await out.line(`  evidence.html sha256 ${page}`);
    await out.line(
      `  key ${escapeForeign(key, { form: "wire" })}${trusted ? "" : " (from the pack: compare it with `skep audit key` there)"}`,
    );
    for (const line of anchorLines(anchors)) await out.line(line);
    return undefined;
  },
});

/** Records of a pack, or of the hive's own log. */
async function* recordsOf(
  context: Context,
  pack: string | undefined,
  {
    offline,
    from,
    to,
    keys,
  }: { offline: boolean; from?: number | undefined; to?: number | undefined; keys: readonly string[] },
): AsyncGenerator<EvidenceRecord> {
  if (pack !== undefined) {
    if (from !== undefined && to !== undefined) rangeOf(to + 1, from, to);
    for (const record of (await verified(pack, keys)).records)
      if (record.seq >= (from ?? 0) && record.seq <= (to ?? record.seq)) yield record;
    return;
  }
  await using log = await openLog(context, offline);
  const { source } = log;
  // A collector that has everything asks from the next record on.
  if (from !== undefined && from >= source.size && to === undefined) return;
  const [first, end] = rangeOf(source.size, from, to);
  for await (const bytes of source.entries(first, end))
    yield JSON.parse(Buffer.from(bytes).toString()) as EvidenceRecord;
}

const packArg = {
  name: "pack",
  kind: "file",
  doc: "A pack; default: the hive's own log",
  optional: true,
} as const;

const evidenceTimeline: Command = command({
  name: "evidence timeline",
  group,
  summary: "What happened, one line each: NDJSON for collectors, Markdown for people",
  examples: [
    { run: "skep evidence timeline --from 1000", doc: "For a log collector that got so far" },
    { run: "skep evidence timeline case-7 --markdown > case-7.md", doc: "For a report" },
  ],
  args: [packArg],
  flags: { ...logFlags, ...keyFlag, ...rangeFlags, markdown: { kind: "boolean", doc: "A Markdown table" } },
  run: async (context) => {
    const { args, flags, out } = context;
    const { timelineMarkdown, timelineNdjson } = await import("@skep/evidence");
    const { offline, from, to, key = [] } = flags;
    const records = recordsOf(context, args.pack, { offline, from, to, keys: key });
    if (flags.markdown) return out.data(timelineMarkdown(await Array.fromAsync(records)));
    for await (const record of records) await out.data(timelineNdjson([record]));
    return undefined;
  },
});

const evidenceInspect: Command = command({
  name: "evidence inspect",
  group,
  summary: "Correlate records and name every state that cannot be; exit 1 where there is one",
  examples: [
    { run: "skep evidence inspect", doc: "The whole log of this hive" },
    { run: "skep evidence inspect case-7", doc: "A pack" },
  ],
  args: [packArg],
  flags: { ...logFlags, ...keyFlag },
  run: async (context) => {
    const { args, flags, out } = context;
    const { inspect } = await import("@skep/evidence");
    const records = await Array.fromAsync(
      recordsOf(context, args.pack, { offline: flags.offline, keys: flags.key ?? [] }),
    );
    const findings = inspect(records);
    if (out.wantsJson) await out.json({ records: records.length, findings: findings as never });
    else {
      for (const { seq, rule, text } of findings)
        await out.line(`record ${seq}: ${rule}: ${escapeForeign(text, { form: "wire" })}`);
      if (findings.length === 0) await out.line(`${formatCount(records.length)} records, nothing impossible`);
    }
    if (findings.length > 0) throw fault.impossible(`${findings.length} findings`);
    return undefined;
  },
});

async function sideOf(
  context: Context,
  path: string,
  keys: readonly string[],
  most: number,
): Promise<Verified> {
  if (path !== "live") return verified(path, keys);
  const { verify } = await import("@skep/evidence");
  return verify((await packNow(context, { offline: false, most })).files);
}

const evidenceDiff: Command = command({
  name: "evidence diff",
  group,
  summary: "Compare two packs, or a pack with the hive as it is; exit 8 where they differ",
  examples: [
    { run: "skep evidence diff monday tuesday", doc: "Two packs" },
    { run: "skep evidence diff monday live", doc: "What came since" },
  ],
  args: [
    { name: "one", kind: "file", doc: "A pack, or live" },
    { name: "other", kind: "file", doc: "A pack, or live" },
  ],
  flags: { ...keyFlag, most: mostFlag },
  run: async (context) => {
    const { args, flags, out } = context;
    const { diff } = await import("@skep/evidence");
    const keys = flags.key ?? [];
    const found = diff(
      await sideOf(context, args.one, keys, flags.most),
      await sideOf(context, args.other, keys, flags.most),
    );
    const { origin, forked, onlyFirst, onlySecond, files } = found;
    if (out.wantsJson) await out.json(found as never);
    else {
      if (origin) await out.line(`other logs: ${origin.join(" and ")}`);
      if (forked.length > 0) await out.line(`two histories: records ${forked.join(", ")}`);
      await out.line(
        `${onlyFirst.length} records only in the first, ${onlySecond.length} only in the second`,
      );
      for (const name of files) await out.line(`  ${escapeForeign(name, { form: "wire" })}`);
    }
    if (origin || files.length > 0 || forked.length > 0) throw fault.differ();
    return undefined;
  },
});

/** The commands about evidence. */
export const evidenceCommands: readonly Command[] = [
  evidencePack,
  evidenceVerify,
  evidenceTimeline,
  evidenceInspect,
  evidenceBundle,
  evidenceDiff,
];
