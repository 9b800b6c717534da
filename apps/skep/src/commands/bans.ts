import { type Command, type Context, command } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import { formatTime } from "@skep/text";
import { z } from "zod";

const fault = faults("ban", {
  kind: [
    "invalid",
    "Cannot ban that kind of thing",
    { cure: "Use module, class, subject, worker, ticket or node" },
  ],
  name: ["invalid", "Cannot ban by that name"],
  number: ["invalid", "Cannot lift a ban without its number", { cure: "`skep bans` shows it" }],
});

const group = "judge";

/** What each kind is called in the control. */
const kinds: Readonly<Record<string, readonly [op: string, field: string]>> = {
  module: ["quarantine", "module"],
  class: ["quarantine", "class"],
  subject: ["block", "subject"],
  worker: ["freeze", "worker"],
  ticket: ["revoke", "ticket"],
  node: ["revoke", "node"],
};

const machine = { shape: /^[\w.@:+-]{1,64}$/, cure: "`skep nodes` and `skep ls /worker` list them" };

/** What each kind goes by; the hive asks the same, but only after the question. */
const names: Readonly<Record<string, { readonly shape: RegExp; readonly cure: string }>> = {
  module: {
    shape: /^[0-9a-f]{64}$/,
    cure: "Give its SHA-256 digest, 64 hex digits, as `skep jobs ID` shows it",
  },
  class: {
    shape: /^(wasm|task(\/[\w.-]{1,64})?)$/,
    cure: "Give `wasm`, `task` or `task/NAME`",
  },
  subject: {
    shape: /^[\w.@:+/-]{1,128}$/,
    cure: "Give the subject of a ticket, as `skep ticket show` tells it",
  },
  ticket: {
    shape: /^[\w:.-]{1,256}$/,
    cure: "Give the id of a block, as `skep ticket show` tells it",
  },
  worker: machine,
  node: machine,
};

/** The id of a machine by whichever of its names. Throws `machine.unknown`. */
async function idOf(context: Context, name: string): Promise<string> {
  const [{ connectOf }, { workerNamed }] = await Promise.all([
    import("../client/connect.ts"),
    import("./machine.ts"),
  ]);
  await using client = await connectOf(context);
  return await workerNamed(client, name, context.signal);
}

async function contain(
  context: Context,
  line: object,
): Promise<{ readonly id?: number; readonly until?: number }> {
  const [{ connectOf }, { appendLine }] = await Promise.all([
    import("../client/connect.ts"),
    import("../client/control.ts"),
  ]);
  await using client = await connectOf(context);
  const answer = await appendLine(client, "/policy/contain", JSON.stringify(line), context.signal);
  const { until } = z.object({ until: z.number().optional() }).parse(answer?.result ?? {});
  return {
    ...(answer?.id === undefined ? {} : { id: answer.id }),
    ...(until === undefined ? {} : { until }),
  };
}

const flags = {
  reason: { kind: "string", default: "no reason given", doc: "Why; refusals tell it" },
  for: { kind: "duration", default: "1d", doc: "How long, 24h where left out; it ends by itself" },
} as const;

async function ban(
  context: Context,
  told: object,
  what: string,
  more: { reason: string; for: number },
): Promise<void> {
  const { out } = context;
  const line = { ...told, reason: more.reason, for_s: Math.max(1, Math.round(more.for / 1000)) };
  const { id, until } = await contain(context, line);
  if (out.wantsJson) return out.json({ ban: String(id), ...line, until: until ?? null });
  const end = until === undefined ? "" : ` until ${formatTime(until)}`;
  return out.line(`Ban ${id}: ${what}${end}; \`skep unban ${id}\` lifts it`);
}

/** `skep ban`. */
export const banCommand: Command = command({
  name: "ban",
  group,
  summary: "Keep a module, class of work, subject, worker, ticket or node from acting, for a while",
  doc: `module and class: nothing of it starts, what runs is stopped, what waits waits. subject: its sessions end, its work is held.
worker: it is frozen; what it runs goes to others. ticket: its sessions end, and those of what was narrowed from it.
node: a machine's sessions end and it may not attach. All of it is undone by \`skep unban\`.`,
  examples: [
    { run: "skep ban subject ann --reason 'laptop stolen' --for 2d", doc: "Her sessions end now" },
    { run: "skep ban class task/shell --reason review", doc: "Nothing of that task starts" },
  ],
  args: [
    { name: "kind", kind: "string", doc: "module, class, subject, worker, ticket or node" },
    { name: "name", kind: "string", doc: "A digest, `wasm`, `task` or `task/NAME`, a name, a block id" },
  ],
  flags,
  danger: "moderate",
  run: async (context) => {
    const { args } = context;
    const found = kinds[args.kind];
    if (!found) throw fault.kind(args.kind);
    const [op, field] = found;
    const { shape, cure } = names[args.kind] ?? { shape: /./, cure: "" };
    if (!shape.test(args.name)) throw fault.name(args.name, { cure });
    const of = field === "worker" || field === "node" ? await idOf(context, args.name) : args.name;
    const also = of === args.name ? "" : ` (${of})`;
    await context.confirm({ act: `Ban ${args.kind} ${args.name}${also}`, name: args.name });
    await ban(context, { op, [field]: of }, `${args.kind} ${args.name}${also}`, context.flags);
  },
});

/** `skep drain`. */
export const drain: Command = command({
  name: "drain",
  group,
  summary: "Give a worker no new work, or all of them; what runs may end",
  examples: [
    { run: "skep drain w-abcdefghijkl --reason 'new disk' --for 2h", doc: "One machine" },
    { run: "skep drain --reason upgrade", doc: "Every machine of the hive" },
  ],
  args: [{ name: "worker", kind: "string", optional: true, doc: "A worker; all where left out" }],
  flags,
  run: async (context) => {
    const { worker: name = "*" } = context.args;
    const worker = name === "*" ? name : await idOf(context, name);
    const what = name === "*" ? "all workers drain" : `${name} drains`;
    await ban(context, { op: "drain", worker }, what, context.flags);
  },
});

/** `skep unban`. */
export const unban: Command = command({
  name: "unban",
  group,
  summary: "Lift a ban before its end",
  examples: [{ run: "skep unban 17", doc: "Its number, as `skep bans` shows it" }],
  args: [{ name: "ban", kind: "string", doc: "Number of the ban" }],
  run: async (context) => {
    const { args, out } = context;
    if (!/^\d{1,15}$/.test(args.ban)) throw fault.number(args.ban);
    await contain(context, { op: "lift", ban: args.ban });
    return out.wantsJson ? out.json({ lifted: args.ban }) : out.line(`Lifted ${args.ban}`);
  },
});

const Row = z.object({
  ban: z.string(),
  op: z.string(),
  target: z.string(),
  by: z.string(),
  reason: z.string(),
  until: z.number(),
});

/** `skep bans`. */
export const bans: Command = command({
  name: "bans",
  group,
  summary: "List what is banned, by whom, until when and why",
  examples: [{ run: "skep bans", doc: "Everything that stands" }],
  run: async (context) => {
    const { connectOf } = await import("../client/connect.ts");
    await using client = await connectOf(context);
    const text = (await client.readAll("/policy/bans.json", { signal: context.signal })).toString();
    const rows = z.array(Row).parse(JSON.parse(text));
    await context.out.table(
      rows,
      [
        { title: "ban", cell: ({ ban: id }) => id },
        { title: "act", cell: ({ op }) => op },
        { title: "target", cell: ({ target }) => target },
        { title: "by", cell: ({ by }) => by },
        { title: "until", cell: ({ until }) => formatTime(until) },
        { title: "reason", cell: ({ reason }) => reason },
      ],
      { empty: "Nothing is banned or drains; `skep ban` and `skep drain` keep things from acting" },
    );
  },
});
