import { open, rename, rm } from "node:fs/promises";
import { type Command, type Context, command, toned } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { formatBytes, formatCount } from "@skep/text";
import { homeOf } from "../client/connect.ts";
import { hasCode } from "../client/files.ts";
import { openLog } from "./audit-source.ts";

const fault = faults("backup-file", {
  there: [
    "conflict",
    "Cannot write backup: there is such a file",
    { cure: "Name another; backups are not overwritten" },
  ],
});

async function writeFile(
  path: string,
  bytes: AsyncIterable<Uint8Array>,
  signal: AbortSignal,
): Promise<number> {
  const draft = `${path}.part`;
  const file = await open(draft, "wx", 0o600).catch((error: unknown) => {
    throw hasCode(error, "EEXIST") ? fault.there(draft) : error;
  });
  let size = 0;
  try {
    for await (const piece of bytes) {
      signal.throwIfAborted();
      await file.writeFile(piece);
      size += piece.length;
    }
    await file.sync();
    await rename(draft, path);
    return size;
  } catch (thrown) {
    await rm(draft, { force: true });
    throw thrown;
  } finally {
    await file.close();
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await (await open(path, "r")).close();
    return true;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

async function manifestOf(context: Context, home: string) {
  const { hiveKeys } = await import("../hive/keys.ts");
  await using log = await openLog(
    { ...context, global: { ...context.global, home, context: undefined } },
    false,
  );
  const { checkpoint, size } = log.source;
  const { hive, origin } = hiveKeys(home);
  const time = context.io.clock.now();
  return { skep: "backup", version: 1, hive, origin, time, records: size, checkpoint } as const;
}

/** `skep backup`. */
export const backup: Command = command({
  name: "backup",
  group: "care",
  summary: "Write all of a home to one file, while its hive runs or not",
  doc: "A tar archive with journal, blobs, keys, secrets and configuration, as of one checkpoint. It holds the keys of the hive: encrypt it unless it stays as safe as the home.",
  examples: [
    { run: "skep backup hive.age --encrypt-to age1…", doc: "Opened with the identity of that recipient" },
    { run: "skep backup hive.age --passphrase-file /run/secrets/backup", doc: "With a passphrase" },
    { run: "skep backup hive.tar", doc: "Not encrypted; any tar lists it" },
  ],
  args: [{ name: "file", kind: "file", doc: "The file; must not be there" }],
  flags: {
    "encrypt-to": { kind: "string", value: "age1…", repeat: true, doc: "Encrypt to this age recipient" },
    "passphrase-file": { kind: "file", value: "FILE|fd:N", doc: "Encrypt with the passphrase in it" },
  },
  run: async (context) => {
    const { args, flags, out, signal } = context;
    const [{ hiveHome }, { backupEntries }, { writeTar }, { sealed }] = await Promise.all([
      import("../access/home.ts"),
      import("../care/backup.ts"),
      import("../care/tar.ts"),
      import("../care/seal.ts"),
    ]);
    const home = hiveHome(context);
    if (await exists(args.file)) throw fault.there(args.file);
    const manifest = await manifestOf(context, home);
    using bar = out.progress({ label: "Backing up", unit: "bytes" });
    const tar = writeTar(backupEntries(home, manifest, (bytes) => bar.add(bytes)));
    const seal = { recipients: flags["encrypt-to"], passphraseFile: flags["passphrase-file"] };
    const size = await writeFile(args.file, await sealed(tar, seal), signal);
    const encrypted = seal.recipients.length > 0 || seal.passphraseFile !== undefined;
    if (!encrypted) out.warn(`${args.file} is not encrypted and holds the keys of the hive`);
    const { hive, records } = manifest;
    if (out.wantsJson) return out.json({ file: args.file, bytes: size, hive, records, encrypted });
    return out.line(
      toned("good", "backed up "),
      `${hive}: ${formatCount(records)} records, ${formatBytes(size)}, to ${args.file}`,
    );
  },
});

/** `skep restore`. */
export const restore: Command = command({
  name: "restore",
  group: "care",
  summary: "Make a home out of a backup",
  doc: "Everything in the backup is verified before the home is there. Its log begins a new epoch with a key and an origin of its own, and names the checkpoint that it goes on from. The hive that was backed up must not run any more: both would hold the same tickets and workers.",
  examples: [
    {
      run: "skep restore hive.age --home /srv/hive --identity key.txt",
      doc: "Then `skep up --home /srv/hive`",
    },
    { run: "skep restore hive.tar", doc: "Into the default home, which must be empty" },
  ],
  args: [{ name: "file", kind: "file", doc: "What `skep backup` wrote" }],
  flags: {
    identity: { kind: "file", doc: "File with the age identity that opens it" },
    "passphrase-file": { kind: "file", value: "FILE|fd:N", doc: "The passphrase that opens it" },
    "without-damaged-blobs": {
      kind: "boolean",
      doc: "Leave out blobs that do not have their digest, instead of refusing the backup",
    },
  },
  run: async (context) => {
    const { args, flags, out } = context;
    const home = homeOf(context);
    const care = await import("../care/restore.ts");
    using bar = out.progress({ label: "Restoring", unit: "bytes" });
    const opener = { identityFile: flags.identity, passphraseFile: flags["passphrase-file"] };
    const { manifest, leftOut, origin } = await care.restore(args.file, home, {
      opener,
      withoutDamaged: flags["without-damaged-blobs"],
      step: (bytes) => bar.add(bytes),
    });
    const { hive, records } = manifest;
    for (const digest of leftOut) out.warn(`Left out the damaged blob ${digest}`);
    if (out.wantsJson) return out.json({ home, hive, records, origin, was: manifest.origin, leftOut });
    await out.line(
      toned("good", "restored "),
      `${hive} in ${home}: ${formatCount(records)} records verified`,
    );
    await out.line(`  its log goes on as ${origin}`);
    await out.line(`  start it with: skep up --home ${home}`);
    return out.line("  the hive that was backed up must not run any more");
  },
});
