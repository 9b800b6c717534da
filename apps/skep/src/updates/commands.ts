import { type Command, command } from "@skep/edge-cli";
import { connected, sending, show } from "../client/commands.ts";
import { fault } from "./faults.ts";

const epochArg = { name: "epoch", kind: "string", doc: "The update" } as const;
const folderArg = { name: "folder", kind: "string", doc: "What `skep update pack` made" } as const;
const toFlag = { kind: "directory", doc: "Folder of the two slots", required: true } as const;

const pack: Command = command({
  name: "update pack",
  group: "updates",
  summary: "Cut a file into chunks and sign what they make",
  doc: "The folder then holds manifest.cbor and payload. Chunks are cut where the content says, so that the next release sends only what changed; --fixed cuts the original's chunks of 128 bytes. The key is an Ed25519 key in PEM; its public half is shown, for updates.keys of hives and machines.",
  examples: [
    {
      run: "skep update pack firmware.img --epoch 7 --key release.pem --to ./release-7",
      doc: "Sign release 7",
    },
  ],
  args: [{ name: "file", kind: "string", doc: "The payload" }],
  flags: {
    epoch: { kind: "string", value: "N", doc: "Number of the release, 1 to 20 digits", required: true },
    key: { kind: "file", doc: "The private release key", required: true },
    to: { kind: "directory", doc: "Folder to make", required: true },
    fixed: { kind: "boolean", doc: "Chunks of 128 bytes, as the original has them" },
  },
  run: async (context) => {
    const { pack: make, publicHex, readKey } = await import("./pack.ts");
    const { epoch, key: path, to, fixed } = context.flags;
    const key = await readKey(path);
    const { manifest, bytes } = await make(context.args.file, { epoch, key, to, fixed });
    const { payloadBytes, payloadSha256, chunks } = manifest;
    const told = { epoch, chunks: chunks.length, payload_bytes: payloadBytes, payload_sha256: payloadSha256 };
    return show(context, { ...told, manifest_bytes: bytes.length, key: publicHex(key) });
  },
});

const upload: Command = command({
  name: "update upload",
  group: "updates",
  summary: "Bring a packed update to the hive",
  doc: "Chunks that the hive has, of this update or an earlier one, do not travel. Done again after an interruption it goes on. The hive takes it only if its updates.keys name the key.",
  examples: [{ run: "skep update upload ./release-7", doc: "Until the hive says ready" }],
  args: [folderArg],
  flags: {},
  run: async (context) => {
    const [{ readPacked }, { uploadUpdate }] = await Promise.all([
      import("./pack.ts"),
      import("./remote.ts"),
    ]);
    const packed = await readPacked(context.args.folder);
    await using client = await connected(context);
    const { bar, sent, total } = sending(context);
    using _bar = bar;
    const { signal } = context;
    const { state, reason } = await uploadUpdate(client, packed, { sent, signal });
    const { epoch } = packed.manifest;
    if (state !== "ready") throw fault.unready(`${epoch} is ${state} ${reason}`.trim());
    return show(context, { epoch, state, sent: total() });
  },
});

const verify: Command = command({
  name: "update verify",
  group: "updates",
  summary: "Check a packed update: its signature, every chunk, the whole",
  doc: "Asks no hive.",
  examples: [
    { run: "skep update verify ./release-7 --key 207a06…", doc: "By the public key that you trust" },
  ],
  args: [folderArg],
  flags: {
    key: { kind: "string", value: "HEX", doc: "Public key, 64 hex digits", required: true },
  },
  run: async (context) => {
    const { readPacked, verifyPacked } = await import("./pack.ts");
    const { key } = context.flags;
    if (!/^[0-9a-f]{64}$/.test(key)) throw fault.hex(key);
    const packed = await readPacked(context.args.folder);
    await verifyPacked(packed, [key]);
    const { epoch, payloadSha256 } = packed.manifest;
    return show(context, { epoch, payload_sha256: payloadSha256, key });
  },
});

const status: Command = command({
  name: "update status",
  group: "updates",
  summary: "Show how far the updates of the hive are, or what runs from the slots of this machine",
  examples: [
    { run: "skep update status", doc: "All" },
    { run: "skep update status --to /srv/app", doc: "Of this machine; no hive is asked" },
  ],
  args: [{ ...epochArg, optional: true }],
  flags: { to: { kind: "directory", doc: "Folder of the two slots" } },
  run: async (context) => {
    const { out, args, flags, signal } = context;
    if (flags.to !== undefined) {
      const { withSlots } = await import("./apply.ts");
      return withSlots(flags.to, undefined, (slots, recovered) => {
        const runs = slots.manifest(slots.current);
        return show(context, { slot: slots.current, epoch: runs?.epoch ?? null, recovered });
      });
    }
    const [{ statusOf }, { list }] = await Promise.all([import("./remote.ts"), import("../client/tree.ts")]);
    await using client = await connected(context);
    const names =
      args.epoch === undefined ? (await list(client, "/updates")).map(({ name }) => name) : [args.epoch];
    const rows = [];
    for (const name of names) rows.push(await statusOf(client, name, signal));
    return out.table(
      rows,
      [
        { title: "epoch", cell: (row) => row.epoch },
        { title: "state", cell: (row) => row.state },
        { title: "chunks", cell: (row) => String(row.chunks), align: "right" },
        { title: "missing", cell: (row) => String(row.missing), align: "right" },
        { title: "bytes", cell: (row) => String(row.payload_bytes), align: "right" },
        { title: "key", cell: (row) => row.signed_by.slice(0, 16) },
        { title: "reason", cell: ({ reason, cure }) => (cure === "" ? reason : `${reason}: ${cure}`) },
      ],
      { empty: "No update yet: `skep update pack` signs one, `skep update upload` brings it here" },
    );
  },
});

const apply: Command = command({
  name: "update apply",
  group: "updates",
  summary: "Let this machine run an update, if its owner named the release key",
  doc: "Reads the owner.toml of this machine, fetches what is not here, verifies signature and payload again, fills the slot that does not run, and switches the link `current` in one step. The health check gets the path of the payload in SKEP_UPDATE; unless it exits with 0 the version before runs again. After a power cut the next command here goes back by itself.",
  examples: [
    {
      run: "skep update apply 7 --to /srv/app --worker-home ~/.local/state/skep-node --health /srv/check",
      doc: "Switch, check, keep or go back",
    },
  ],
  args: [epochArg],
  flags: {
    to: toFlag,
    "worker-home": { kind: "directory", doc: "Folder with the owner.toml that counts", required: true },
    health: { kind: "string", value: "PROGRAM", doc: "Says by exit code 0 that the new version is healthy" },
    "health-timeout": { kind: "duration", doc: "How long it may take", default: "60s" },
  },
  run: async (context) => {
    const { applyUpdate } = await import("./apply.ts");
    const { to, health, "worker-home": owner, "health-timeout": timeout } = context.flags;
    await using client = await connected(context);
    const words = health === undefined ? [] : [health];
    const { signal } = context;
    return show(context, {
      ...(await applyUpdate(client, context.args.epoch, { to, owner, health: words, timeout, signal })),
    });
  },
});

const rollback: Command = command({
  name: "update rollback",
  group: "updates",
  summary: "Let this machine run the version before again",
  examples: [{ run: "skep update rollback --to /srv/app", doc: "Switch the link back" }],
  args: [],
  flags: { to: toFlag },
  run: async (context) => {
    const { withSlots } = await import("./apply.ts");
    return withSlots(context.flags.to, undefined, async (slots) =>
      show(context, { epoch: slots.rollback().epoch, payload: slots.payload }),
    );
  },
});

/** The commands about updates. */
export const updateCommands: readonly Command[] = [pack, upload, verify, status, apply, rollback];
