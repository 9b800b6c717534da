import { type Command, command } from "@skep/edge-cli";
import { connected, sending, show } from "../client/commands.ts";
import { fault } from "./faults.ts";

const modelArg = { name: "model", kind: "string", doc: "Its name, or the SHA-256 of its weights" } as const;
const folderArg = { name: "folder", kind: "string", doc: "What `skep model pack` or `export` made" } as const;
const hexForm = /^[0-9a-f]{64}$/;

const pack: Command = command({
  name: "model pack",
  group: "models",
  summary: "Cut weights into chunks and sign what they are and where they come from",
  doc: "From a file and its --schema, or from a folder with adapter.safetensors and lora.json. With --job, the folder of an export job, its base model and the digests of what it was trained on become the provenance. The folder then holds manifest.json, signature, schema, table and weights; the key stays where it is, off the hive.",
  examples: [
    {
      run: "skep model pack ./adapter --name llama3-edge-v7 --serial 7 --job ./job_8932 --key release.pem --to ./m7",
      doc: "A LoRA adapter that was trained from an export",
    },
  ],
  args: [{ name: "from", kind: "string", doc: "Weights, or the folder of an adapter" }],
  flags: {
    name: { kind: "string", doc: "Name of the model", required: true },
    serial: { kind: "integer", least: 1, doc: "Grows with each release of the name", required: true },
    key: { kind: "file", doc: "The private release key, Ed25519 in PEM", required: true },
    to: { kind: "directory", doc: "Folder to make", required: true },
    schema: { kind: "file", doc: "What the weights are, for whoever loads them" },
    base: { kind: "string", doc: "Model that an adapter is for" },
    job: { kind: "directory", doc: "Folder that `skep model job` made" },
    note: { kind: "string", value: "NAME=VALUE", repeat: true, doc: "More about where it comes from" },
  },
  run: async (context) => {
    const [{ packModel }, { publicHex, readKey }] = await Promise.all([
      import("./pack.ts"),
      import("../updates/pack.ts"),
    ]);
    const { args, flags } = context;
    const { name, serial, schema, base, job, note } = flags;
    const key = await readKey(flags.key);
    const source = { from: args.from, name, serial, schema, base, job, notes: note };
    const { manifest, chunks } = await packModel(source, key, flags.to);
    const { model, bytes } = manifest;
    const told = { name, serial, model, bytes, chunks: chunks.length, base: manifest.base };
    return show(context, { ...told, key: publicHex(key) });
  },
});

const bring: Command = command({
  name: "model import",
  group: "models",
  summary: "Bring a packed model to the hive",
  doc: "Chunks that the hive has do not travel; done again after an interruption it goes on. The hive takes it only if its models.keys name the key, and never an older release of the name again.",
  examples: [{ run: "skep model import ./m7", doc: "Until the hive says ready" }],
  args: [folderArg],
  flags: {},
  run: async (context) => {
    const [{ readModel }, { importModel }] = await Promise.all([import("./pack.ts"), import("./remote.ts")]);
    const packed = await readModel(context.args.folder);
    await using client = await connected(context);
    const { bar, sent, total } = sending(context);
    using _bar = bar;
    const { signal } = context;
    const { state, reason, model } = await importModel(client, packed, { sent, signal });
    const { name } = packed.manifest;
    if (state !== "ready") throw fault.unready(`${name} is ${state} ${reason}`.trim());
    return show(context, { name, model, state, sent: total() });
  },
});

const list: Command = command({
  name: "model list",
  group: "models",
  summary: "List the models of the hive, and which one is active",
  doc: "Those that only a bridge tells of have no digest here.",
  examples: [{ run: "skep model list", doc: "All" }],
  args: [],
  flags: {},
  run: async (context) => {
    const { modelsOf, pointerOf } = await import("./remote.ts");
    const { out, signal } = context;
    await using client = await connected(context);
    const active = await pointerOf(client, signal);
    const own = await modelsOf(client, signal);
    const named = await client.readdir("/gpu/models/available", { signal });
    const rows = [
      ...own.map((each) => ({ ...each, active: each.model === active.model })),
      ...named
        .filter(({ name }) => !own.some((each) => each.name === name && each.state === "ready"))
        .map(({ name }) => ({
          ...{ model: "", state: "published", name, serial: 0, base: "", bytes: 0, missing: 0 },
          ...{ signed_by: "", reason: "", cure: "", active: active.model === "" && active.id === name },
        })),
    ];
    return out.table(
      rows,
      [
        { title: "active", cell: (row) => (row.active ? "*" : "") },
        { title: "name", cell: (row) => row.name },
        { title: "serial", cell: (row) => (row.serial === 0 ? "" : String(row.serial)), align: "right" },
        { title: "state", cell: (row) => row.state },
        { title: "bytes", cell: (row) => (row.bytes === 0 ? "" : String(row.bytes)), align: "right" },
        { title: "base", cell: (row) => row.base },
        { title: "model", cell: (row) => row.model.slice(0, 16) },
        { title: "reason", cell: ({ reason, cure }) => (cure === "" ? reason : `${reason}: ${cure}`) },
      ],
      { empty: "No model yet: `skep model pack` signs one, `skep model import` brings it here" },
    );
  },
});

const activate: Command = command({
  name: "model activate",
  group: "models",
  summary: "Let a model be the active one in the hive",
  doc: "One record moves /gpu/models/active; machines follow by `skep model apply`. An adapter needs its base here.",
  examples: [
    { run: "skep model activate llama3-edge-v7", doc: "The newest release of that name" },
    { run: "skep model activate llama3-edge-v7 --from vision-base-v1", doc: "Only if that is active now" },
  ],
  args: [modelArg],
  flags: { from: { kind: "string", value: "MODEL", doc: "What has to be active now" } },
  run: async (context) => {
    const { appendLine } = await import("../client/control.ts");
    const { args, flags, signal } = context;
    await using client = await connected(context);
    const line = { op: "activate", model: args.model, ...(flags.from !== undefined && { from: flags.from }) };
    const { result } = await appendLine(client, "/models/ctl", JSON.stringify(line), signal);
    return show(context, result as Record<string, unknown>);
  },
});

const rollback: Command = command({
  name: "model rollback",
  group: "models",
  summary: "Let the model before be the active one again",
  examples: [
    { run: "skep model rollback", doc: "In the hive" },
    { run: "skep model rollback --to /srv/models", doc: "On this machine; no hive is asked" },
  ],
  args: [],
  flags: { to: { kind: "directory", doc: "Registry of this machine" } },
  run: async (context) => {
    const { flags, signal } = context;
    if (flags.to !== undefined) {
      const { withRegistry } = await import("./apply.ts");
      return withRegistry(flags.to, undefined, async (registry) => {
        const { name = "", model = "" } = registry.rollback() ?? {};
        return show(context, { active: name, model });
      });
    }
    const { appendLine } = await import("../client/control.ts");
    await using client = await connected(context);
    const { result } = await appendLine(client, "/models/ctl", '{"op":"rollback"}', signal);
    return show(context, result as Record<string, unknown>);
  },
});

const fetch: Command = command({
  name: "model export",
  group: "models",
  summary: "Fetch a model of the hive into a folder, every byte checked",
  doc: "The folder can be imported elsewhere. Done again after an interruption it goes on. With --key it is refused unless that key signed it; without, whoever signed it is shown.",
  examples: [
    { run: "skep model export llama3-edge-v7 --to ./m7 --key 207a06…", doc: "By the key that you trust" },
  ],
  args: [modelArg],
  flags: {
    to: { kind: "directory", doc: "Folder to make", required: true },
    key: { kind: "string", value: "HEX", doc: "Public key, 64 hex digits" },
  },
  run: async (context) => {
    const [{ checkNamed, digestFor, fetchModel, statusOf }, { keyOf }, updates] = await Promise.all([
      import("./remote.ts"),
      import("./pack.ts"),
      import("../updates/faults.ts"),
    ]);
    const { args, flags, signal } = context;
    const { to, key } = flags;
    if (key !== undefined && !hexForm.test(key)) throw updates.fault.hex(key);
    await using client = await connected(context);
    const model = await digestFor(client, args.model, signal);
    const signer = key ?? (await statusOf(client, model, signal)).signed_by;
    const { manifest, fetched } = await fetchModel(client, model, {
      to,
      check: (packed) => {
        keyOf({ ...packed, weights: "" }, [signer]);
        checkNamed(packed.manifest, args.model);
      },
      signal,
    });
    return show(context, { name: manifest.name, model, fetched, key: signer });
  },
});

const apply: Command = command({
  name: "model apply",
  group: "models",
  summary: "Let this machine have a model, if its owner named the release key",
  doc: "The one that is active in the hive unless one is named. Reads the owner.toml of this machine, fetches what is not here, verifies all of it again, and switches the link `current` in one step; start your program from current/weights. The name stands in `active`, as the original's bridge reads it. After a power cut the next command here ends or drops the switch.",
  examples: [
    {
      run: "skep model apply --to /srv/models --worker-home ~/.local/state/skep-node",
      doc: "Follow the hive",
    },
  ],
  args: [{ ...modelArg, optional: true }],
  flags: {
    to: { kind: "directory", doc: "Registry of this machine", required: true },
    "worker-home": { kind: "directory", doc: "Folder with the owner.toml that counts", required: true },
  },
  run: async (context) => {
    const { applyModel } = await import("./apply.ts");
    const { args, flags, signal } = context;
    await using client = await connected(context);
    const { to, "worker-home": owner } = flags;
    return show(context, { ...(await applyModel(client, args.model, { to, owner, signal })) });
  },
});

const job: Command = command({
  name: "model job",
  group: "models",
  summary: "Fetch a LoRA export job: what an adapter is trained from",
  doc: "Jobs are made in /queen/export/ctl and listed in /queen/export/lora_jobs. The folder holds telemetry.cbor, base_model.ref and policy.toml; done again after an interruption it goes on, and the telemetry is checked by its digest.",
  examples: [
    { run: "skep model job job_8932 --to ./job_8932", doc: "Then train, and `skep model pack --job`" },
  ],
  args: [{ name: "job", kind: "string", doc: "The export" }],
  flags: { to: { kind: "directory", doc: "Folder to make", required: true } },
  run: async (context) => {
    const { fetchJob } = await import("./job.ts");
    const { args, flags, signal } = context;
    await using client = await connected(context);
    return show(context, { ...(await fetchJob(client, args.job, flags.to, signal)) });
  },
});

/** The commands about models. */
export const modelCommands: readonly Command[] = [job, pack, bring, list, activate, rollback, fetch, apply];
