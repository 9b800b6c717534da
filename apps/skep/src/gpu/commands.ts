import { type Command, command } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { z } from "zod";
import { connected } from "../client/commands.ts";
import { fault } from "./faults.ts";

const gpuArg = { name: "gpu", kind: "string", doc: "The GPU, such as GPU-0" } as const;

const Jobs = z.object({
  runs: z.array(z.object({ run: z.string(), holder: z.string(), since: z.number(), crumbs: z.number() })),
  receipts: z.array(
    z.object({
      run: z.string(),
      holder: z.string(),
      since: z.number(),
      until: z.number(),
      exit: z.number().nullable(),
    }),
  ),
});

const Leases = z.array(
  z.object({
    lease: z.string(),
    resource: z.string(),
    holder: z.string(),
    until_ms: z.union([z.number(), z.string()]),
  }),
);

const secondsOf = (ms: number): number => Math.max(1, Math.round(ms / 1000));

async function textOf(client: Client, path: string, signal?: AbortSignal): Promise<string> {
  return (await client.readAll(path, { signal })).toString("utf8").trimEnd();
}

async function leasesOf(client: Client, signal?: AbortSignal): Promise<z.output<typeof Leases>> {
  return Leases.parse(JSON.parse(await textOf(client, "/proc/lease/active.json", signal)));
}

const publish: Command = command({
  name: "gpu publish",
  group: "gpu",
  summary: "Tell the hive of this machine's GPUs, as nvidia-smi sees them",
  doc: "Reads only: nothing of a GPU is changed. A GPU that is not published again within --for leaves the list, as soon as no run with a lease is on it.",
  examples: [
    { run: "skep gpu publish", doc: "For a day; a timer of the system does it again" },
    { run: "skep gpu publish --for 10m", doc: "Where the timer comes every few minutes" },
  ],
  args: [],
  flags: {
    smi: { kind: "string", value: "PROGRAM", doc: "The driver's tool", default: "nvidia-smi" },
    for: { kind: "duration", doc: "How long it counts", default: "24h" },
  },
  run: async (context) => {
    const [{ infoOf, readCards }, { appendLine }] = await Promise.all([
      import("./inventory.ts"),
      import("../client/control.ts"),
    ]);
    const cards = await readCards(context.flags.smi);
    await using client = await connected(context);
    const nodes = cards.map((card) => ({ id: card.id, info: infoOf(card) }));
    const line = JSON.stringify({ op: "publish", nodes, for_s: secondsOf(context.flags.for) });
    await appendLine(client, "/gpu/bridge/ctl", line, context.signal);
    if (context.out.wantsJson) return context.out.json({ published: nodes.map(({ id }) => id) });
    return context.out.line(`published ${nodes.length}`);
  },
});

const withdraw: Command = command({
  name: "gpu withdraw",
  group: "gpu",
  summary: "Take a GPU out of the list that is there no more",
  doc: "Refused while a run with a lease is on it. Its receipts stay in the journal.",
  examples: [{ run: "skep gpu withdraw GPU-0", doc: "`skep gpu publish` brings it back" }],
  args: [gpuArg],
  flags: {},
  run: async (context) => {
    const { appendLine } = await import("../client/control.ts");
    const { args, signal, out } = context;
    await using client = await connected(context);
    const line = JSON.stringify({ op: "withdraw", gpus: [args.gpu] });
    await appendLine(client, "/gpu/bridge/ctl", line, signal);
    if (out.wantsJson) return out.json({ withdrawn: [args.gpu] });
    return out.line(`withdrew ${args.gpu}`);
  },
});

const list: Command = command({
  name: "gpu list",
  group: "gpu",
  summary: "List the GPUs of the hive and who has them",
  examples: [{ run: "skep gpu list", doc: "All" }],
  args: [],
  flags: {},
  run: async (context) => {
    const { list: names } = await import("../client/tree.ts");
    const { signal, out } = context;
    await using client = await connected(context);
    const leases = await leasesOf(client, signal);
    const rows = [];
    for (const { name } of await names(client, "/gpu", signal)) {
      if (["bridge", "models", "telemetry"].includes(name)) continue;
      const info = await textOf(client, `/gpu/${name}/info`, signal);
      const holders = leases.filter(({ resource }) => resource === `gpu/${name}`).map(({ holder }) => holder);
      rows.push({ gpu: name, holders, info });
    }
    return out.table(
      rows,
      [
        { title: "gpu", cell: ({ gpu }) => gpu },
        { title: "leased by", cell: ({ holders }) => holders.join(" ") },
        { title: "info", cell: ({ info }) => info },
      ],
      {
        empty: "No GPU yet: `skep gpu publish` on the machine that has one tells the hive of it",
      },
    );
  },
});

const status: Command = command({
  name: "gpu status",
  group: "gpu",
  summary: "Show what ran and runs on a GPU, with its receipts",
  examples: [{ run: "skep gpu status GPU-0", doc: "Runs, the newest last" }],
  args: [gpuArg],
  flags: {},
  run: async (context) => {
    const { args, out, signal } = context;
    await using client = await connected(context);
    const { runs, receipts } = Jobs.parse(
      JSON.parse(await textOf(client, `/gpu/${args.gpu}/job.json`, signal)),
    );
    const rows = [
      ...receipts.map(({ run, holder, since, until, exit }) => ({
        ...{ run, holder, state: "ended", ms: until - since, exit },
      })),
      ...runs.map(({ run, holder }) => ({ run, holder, state: "running", ms: null, exit: null })),
    ];
    return out.table(
      rows,
      [
        { title: "run", cell: ({ run }) => run, align: "right" },
        { title: "holder", cell: ({ holder }) => holder },
        { title: "state", cell: ({ state }) => state },
        { title: "ms", cell: ({ ms }) => (ms === null ? "" : String(ms)), align: "right" },
        { title: "exit", cell: ({ exit }) => (exit === null ? "" : String(exit)), align: "right" },
      ],
      { empty: `Nothing ran on ${args.gpu} yet: \`skep gpu lease ${args.gpu}\`, then \`skep gpu run\`` },
    );
  },
});

const lease: Command = command({
  name: "gpu lease",
  group: "gpu",
  summary: "Lease a GPU to somebody, yourself unless told",
  doc: 'One unit of gpu/ID in /queen/lease/ctl, where it is renewed, released and preempted too: {"op":"release","lease":"17"}.',
  examples: [
    { run: "skep gpu lease GPU-0 --for 1h", doc: "For yourself" },
    { run: "skep gpu lease GPU-0 --for 1h --holder ann", doc: "For ann" },
  ],
  args: [gpuArg],
  flags: {
    for: { kind: "duration", doc: "How long", default: "1h" },
    holder: { kind: "string", doc: "Subject of a ticket" },
  },
  run: async (context) => {
    const { appendLine } = await import("../client/control.ts");
    const { args, flags, signal, out } = context;
    await using client = await connected(context);
    // That there is one: a lease of nothing is a typing mistake.
    await textOf(client, `/gpu/${args.gpu}/info`, signal);
    const own = async () =>
      (await textOf(client, "/proc/9p/session/self/subject", signal)).slice("subject=".length);
    const holder = flags.holder ?? (await own());
    const ttl_s = secondsOf(flags.for);
    const line = JSON.stringify({ op: "grant", resource: `gpu/${args.gpu}`, holder, ttl_s });
    const { result } = await appendLine(client, "/queen/lease/ctl", line, signal);
    const granted = {
      gpu: args.gpu,
      holder,
      ...(result as { readonly lease: string; readonly until_ms: number }),
    };
    if (out.wantsJson) return out.json(granted);
    return out.line(`lease ${granted.lease} of ${args.gpu} for ${holder}`);
  },
});

const run: Command = command({
  name: "gpu run",
  group: "gpu",
  summary: "Run a command on a GPU that you have a lease of; ends with a receipt",
  doc: "Without a lease nothing is started. The command gets CUDA_VISIBLE_DEVICES, SKEP_GPU and SKEP_GPU_RUN. While it runs it leaves a breadcrumb each --every; when the lease ends it is ended. The receipt, a record of the journal, goes to stderr, or with --json to stdout; the exit code is the command's.",
  examples: [{ run: "skep gpu run GPU-0 -- python3 train.py", doc: "Under your lease" }],
  args: [gpuArg, { name: "command", kind: "string", doc: "The command and its words", rest: true }],
  flags: { every: { kind: "duration", doc: "Time between breadcrumbs", default: "10s" } },
  run: async (context) => {
    const { runOnGpu } = await import("./run.ts");
    const { args, flags, signal, out, io } = context;
    if (args.command.length === 0) throw fault.command();
    await using client = await connected(context);
    const receipt = await runOnGpu(client, {
      ...{ gpu: args.gpu, words: args.command, env: io.env, every: flags.every, clock: io.clock, signal },
      stdio: out.wantsJson ? "ignore" : "inherit",
    });
    if (out.wantsJson) await out.json(receipt);
    else {
      const words = Object.entries(receipt).map(([name, value]) => `${name}=${value}`);
      out.message(`receipt ${words.join(" ")}`);
    }
    return receipt.exit ?? 1;
  },
});

/** The commands about GPUs. */
export const gpuCommands: readonly Command[] = [publish, withdraw, list, status, lease, run];
