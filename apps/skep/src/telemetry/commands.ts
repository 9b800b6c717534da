import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { type Command, type Context, command } from "@skep/edge-cli";
import { Fault, faults } from "@skep/fault";
import { show } from "../client/commands.ts";

const fault = faults("telemetry-cli", {
  both: ["invalid", "Cannot push an artifact through a spool: leave --spool or --reference out"],
  many: ["invalid", "Cannot take several files with --spool or --reference: give one at a time"],
  stdin: ["invalid", "Cannot push an artifact from stdin: name a file"],
});

const deviceArg = { name: "device", kind: "string", doc: "The device" } as const;
const deviceFlag = { kind: "string", doc: "The device that tells it", required: true } as const;
const spoolFlag = { kind: "file", doc: "Folder in which it is kept until the hive has it" } as const;

async function inputOf({ io }: Context, file: string): Promise<Buffer> {
  if (file !== "-") return readFile(file);
  const parts: Uint8Array[] = [];
  for await (const part of io.stdin.chunks()) parts.push(part);
  return Buffer.concat(parts);
}

const linesOf = (bytes: Buffer): string[] =>
  bytes
    .toString("utf8")
    .split("\n")
    .filter((line) => line !== "");

const isCut = (thrown: unknown): boolean =>
  thrown instanceof Fault && ["cut", "busy", "timeout"].includes(thrown.kind);

async function pushSpooled(context: Context, device: string, dir: string, lines: readonly string[]) {
  const [{ forwardSpool, withSpool }, { recordKinds }, { connectOf }] = await Promise.all([
    import("./spooled.ts"),
    import("../spool/record.ts"),
    import("../client/connect.ts"),
  ]);
  return withSpool(dir, async (spool) => {
    for (const line of lines) await spool.append(recordKinds.text, Buffer.from(line));
    let forwarded = 0;
    try {
      await using client = await connectOf(context);
      forwarded = await forwardSpool(client, device, spool, context.signal);
    } catch (thrown) {
      // Kept it is: the next push or forward brings it.
      if (!isCut(thrown)) throw thrown;
      context.out.warn((thrown as Fault).message);
    }
    return { device, spooled: lines.length, forwarded, waiting: spool.status().waiting };
  });
}

async function pushNow(context: Context, device: string, files: readonly (readonly [string, Buffer])[]) {
  const [{ deviceOf, pushRecords }, { poolOf }] = await Promise.all([
    import("./device.ts"),
    import("../client/pooled.ts"),
  ]);
  await using pool = poolOf(context);
  const one = async ([file, bytes]: readonly [string, Buffer]) => {
    const records = linesOf(bytes).map((payload, at) => ({ seq: at + 1, mime: "text/plain", payload }));
    const source = `push:${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}`;
    let had: number | undefined;
    await pool.run("telemetry", async (client) => {
      had ??= (await deviceOf(client, device, context.signal)).sources[source] ?? 0;
      // Where a connection broke, the next one goes on where the hive is.
      await pushRecords(client, device, source, records, context.signal);
    });
    const pushed = records.filter(({ seq }) => seq > (had ?? 0)).length;
    return { device, ...(files.length > 1 && { file }), records: records.length, pushed };
  };
  return Promise.all(files.map(one));
}

async function pushReference(context: Context, device: string, path: string) {
  const [{ referenceMime, storeArtifact }, { pushRecords }, { poolOf }] = await Promise.all([
    import("./reference.ts"),
    import("./device.ts"),
    import("../client/pooled.ts"),
  ]);
  await using pool = poolOf(context);
  using bar = context.out.progress({ label: "Storing", unit: "bytes" });
  const reference = await storeArtifact(pool, path, (bytes) => bar.add(bytes), context.signal);
  const record = { seq: 1, mime: referenceMime, payload: JSON.stringify(reference) };
  const source = `artifact:${reference.manifest.slice(0, 48)}`;
  const pushed = await pool.run("telemetry", (client) => pushRecords(client, device, source, [record]));
  return { device, pushed, ...reference };
}

const push: Command = command({
  name: "telemetry push",
  group: "telemetry",
  summary: "Push lines of files, or an artifact, as telemetry of a device",
  doc: "Each line is a record. Done again after an interruption it goes on, and what the hive has it is not told twice. Several files go at the same time, each in its order; a connection that breaks is made again. With --spool the lines are kept on this machine first, and are forwarded as soon as the hive answers. With --reference the file's chunks go to the blob store, and the record names them.",
  examples: [
    { run: "skep telemetry push readings.txt --device probe-1", doc: "One record from each line" },
    {
      run: "skep telemetry push - --device probe-1 --spool /var/spool/probe",
      doc: "Over a link that breaks",
    },
    { run: "skep telemetry push scan.bin --device probe-1 --reference", doc: "Megabytes or gigabytes" },
  ],
  args: [{ name: "file", kind: "string", doc: "The file; - is stdin", rest: true }],
  flags: {
    device: deviceFlag,
    spool: spoolFlag,
    reference: { kind: "boolean", doc: "Store the file as an artifact" },
  },
  run: async (context) => {
    const { file: files } = context.args;
    const { device, spool, reference } = context.flags;
    const [first = "-", ...others] = files;
    if (reference && spool !== undefined) throw fault.both();
    if ((reference || spool !== undefined) && others.length > 0) throw fault.many();
    if (reference && first === "-") throw fault.stdin();
    if (reference) return show(context, await pushReference(context, device, first));
    const read: (readonly [string, Buffer])[] = [];
    for (const file of files) read.push([file, await inputOf(context, file)]);
    if (spool !== undefined)
      return show(
        context,
        await pushSpooled(context, device, spool, linesOf(read[0]?.[1] ?? Buffer.alloc(0))),
      );
    for (const told of await pushNow(context, device, read)) await show(context, told);
    return undefined;
  },
});

const forward: Command = command({
  name: "telemetry forward",
  group: "telemetry",
  summary: "Bring what waits in a spool to the hive",
  examples: [
    {
      run: "skep telemetry forward --device probe-1 --spool /var/spool/probe",
      doc: "After the link is back",
    },
  ],
  args: [],
  flags: { device: deviceFlag, spool: { ...spoolFlag, required: true } },
  run: async (context) => {
    const [{ forwardSpool, withSpool }, { connectOf }] = await Promise.all([
      import("./spooled.ts"),
      import("../client/connect.ts"),
    ]);
    const { device, spool: dir } = context.flags;
    await using client = await connectOf(context);
    await withSpool(dir, async (spool) => {
      const forwarded = await forwardSpool(client, device, spool, context.signal);
      await show(context, { device, forwarded, waiting: spool.status().waiting });
    });
  },
});

const pull: Command = command({
  name: "telemetry pull",
  group: "telemetry",
  summary: "Bring the telemetry of a device into a folder",
  doc: "One file for each segment. Done again it goes on where it was, and changes nothing where all is there. Sealed segments are checked against the digest that the journal anchors.",
  examples: [
    { run: "skep telemetry pull probe-1 --to ./telemetry", doc: "Into ./telemetry/probe-1" },
    { run: "skep telemetry pull probe-1 --to ./telemetry --artifacts", doc: "And the artifacts it names" },
  ],
  args: [deviceArg],
  flags: {
    to: { kind: "file", doc: "The folder", required: true },
    artifacts: { kind: "boolean", doc: "Bring the artifacts too that its records name" },
  },
  run: async (context) => {
    const [{ pullDevice }, { connectOf }] = await Promise.all([
      import("./pull.ts"),
      import("../client/connect.ts"),
    ]);
    await using client = await connectOf(context);
    const { to, artifacts } = context.flags;
    const told = await pullDevice(client, context.args.device, { to, artifacts, signal: context.signal });
    if (context.out.wantsJson) return context.out.json(told);
    return show(context, { ...told, artifacts: told.artifacts.length });
  },
});

const status: Command = command({
  name: "telemetry status",
  group: "telemetry",
  summary: "Show the segments of devices, or what waits in a spool",
  examples: [
    { run: "skep telemetry status", doc: "Every device" },
    { run: "skep telemetry status probe-1", doc: "One" },
    {
      run: "skep telemetry status --spool /var/spool/probe",
      doc: "What this machine keeps; no hive is asked",
    },
  ],
  args: [{ ...deviceArg, optional: true }],
  flags: { spool: spoolFlag },
  run: async (context) => {
    if (context.flags.spool !== undefined) {
      const { withSpool } = await import("./spooled.ts");
      return withSpool(context.flags.spool, (spool) => show(context, { ...spool.status() }));
    }
    const [{ deviceOf }, { connectOf }, { list }] = await Promise.all([
      import("./device.ts"),
      import("../client/connect.ts"),
      import("../client/tree.ts"),
    ]);
    await using client = await connectOf(context);
    const { device } = context.args;
    const names =
      device === undefined ? (await list(client, "/queen/telemetry")).map(({ name }) => name) : [device];
    const rows = [];
    for (const name of names)
      for (const segment of (await deviceOf(client, name, context.signal)).segments)
        rows.push({ device: name, ...segment });
    return context.out.table(
      rows,
      [
        { title: "device", cell: (row) => row.device },
        { title: "segment", cell: (row) => row.id },
        { title: "state", cell: (row) => row.state },
        { title: "mime", cell: (row) => row.mime },
        {
          title: "records",
          cell: (row) => (row.state === "sealed" ? String(row.records) : ""),
          align: "right",
        },
        { title: "bytes", cell: (row) => (row.state === "sealed" ? String(row.bytes) : ""), align: "right" },
        { title: "anchor", cell: (row) => (row.anchor === 0 ? "" : String(row.anchor)), align: "right" },
      ],
      { empty: "No device told anything yet: `skep telemetry push` does, and every worker" },
    );
  },
});

const explain: Command = command({
  name: "telemetry explain",
  group: "telemetry",
  summary: "Tell what a segment holds, record by record, and whether the journal vouches for it",
  examples: [
    { run: "skep telemetry explain probe-1", doc: "The newest segment" },
    { run: "skep telemetry explain probe-1 seg-000001", doc: "That one" },
  ],
  args: [deviceArg, { name: "segment", kind: "string", doc: "The segment", optional: true }],
  flags: {},
  run: async (context) => {
    const [{ deviceOf, devicePath }, { explainRecords, standingOf }, { connectOf }] = await Promise.all([
      import("./device.ts"),
      import("./explain.ts"),
      import("../client/connect.ts"),
    ]);
    const { out, args, signal } = context;
    await using client = await connectOf(context);
    const { segments } = await deviceOf(client, args.device, signal);
    const id = args.segment ?? segments.at(-1)?.id ?? "none";
    const bytes = await client.readAll(devicePath(args.device, "seg", id), { signal, limit: 2 ** 30 });
    const segment = segments.find((one) => one.id === id);
    if (!segment) return undefined;
    const records = explainRecords(bytes, segment.mime);
    const standing = standingOf(bytes, segment);
    if (out.wantsJson) return out.json({ device: args.device, segment: id, ...standing, records });
    out.message(`${id} of ${args.device}: anchored ${standing.anchored} ${standing.anchor || ""}`);
    return out.table(records, [
      { title: "at", cell: ({ at }) => String(at), align: "right" },
      { title: "bytes", cell: (row) => String(row.bytes), align: "right" },
      { title: "form", cell: ({ form }) => form },
      { title: "source", cell: ({ source }) => source },
      { title: "seq", cell: ({ seq }) => (seq === null ? "" : String(seq)), align: "right" },
      { title: "begins", cell: ({ shows }) => shows },
    ]);
  },
});

/** The commands about telemetry. */
export const telemetryCommands: readonly Command[] = [push, forward, pull, status, explain];
