import { type Command, command } from "@skep/edge-cli";
import type { Client } from "@skep/ninep";
import { z } from "zod";
import { ownerShown, workerNamed } from "./machine.ts";

const Row = z.object({
  node: z.string(),
  name: z.string(),
  state: z.string(),
  class: z.string(),
  owner: z.string(),
  labels: z.array(z.string()),
  path: z.string(),
  why: z.string(),
  since_ms: z.number(),
});

const Ban = z.object({ ban: z.string(), op: z.string(), target: z.string() });

/** The bans under which a machine gets no work; none where the ticket does not open them. */
async function bansOf(client: Client, signal: AbortSignal): Promise<readonly z.infer<typeof Ban>[]> {
  const text = await client.readAll("/policy/bans.json", { signal }).catch(() => "[]");
  return z.array(Ban).parse(JSON.parse(String(text)));
}

const said: Readonly<Record<string, string>> = { drain: "drains", worker: "frozen", node: "revoked" };

/** What bans say of a machine: `drains`, `frozen`, `revoked`. */
function heldOf(node: string, bans: readonly z.infer<typeof Ban>[]): string[] {
  const words = bans.flatMap(({ target }) => {
    const [kind = "", of] = target.split(":");
    return of === node || target === "drain:*" ? (said[kind] ?? []) : [];
  });
  return [...new Set(words)];
}

/** `skep nodes`. */
export const nodes: Command = command({
  name: "nodes",
  group: "access",
  summary: "List the machines that joined, and how each is reached",
  doc: "Workers that the daemon starts on its own machine are not among them; `skep ls /worker` has all.",
  examples: [{ run: "skep nodes", doc: "Name, state, class, owner and path of each" }],
  flags: { all: { kind: "boolean", short: "a", doc: "Those that were removed too" } },
  run: async (context) => {
    const { connectOf } = await import("../client/connect.ts");
    await using client = await connectOf(context);
    const text = (await client.readAll("/net/nodes.json", { signal: context.signal })).toString();
    const rows = z.array(Row).parse(JSON.parse(text));
    const wanted = context.flags.all ? rows : rows.filter(({ state }) => state !== "removed");
    const bans = await bansOf(client, context.signal);
    const { trustOf } = await import("../jobs/trust.ts");
    const shown = await Promise.all(
      wanted.map(async (row) => ({
        ...row,
        held: heldOf(row.node, bans),
        trust: await trustOf(client, row.node),
      })),
    );
    await context.out.table(
      shown,
      [
        { title: "node", cell: ({ node }) => node },
        { title: "name", cell: ({ name }) => name },
        { title: "state", cell: ({ state, held }) => [state, ...held].join(", ") },
        { title: "class", cell: ({ class: of }) => of },
        { title: "owner", cell: ({ owner }) => ownerShown(owner) },
        { title: "labels", cell: ({ labels }) => labels.join(" ") },
        { title: "trust", cell: ({ trust }) => trust },
        { title: "path", cell: ({ path }) => path },
        { title: "why", cell: ({ why }) => why },
      ],
      {
        empty:
          "No machine has joined yet: `skep invite` prints what one needs; `skep ls /worker` lists the hive's own workers",
      },
    );
  },
});

/** `skep node remove`. */
export const nodesRemove: Command = command({
  name: "node remove",
  group: "access",
  summary: "Remove a machine: its sessions end at once, its ticket and key count no more",
  examples: [{ run: "skep node remove desk --reason sold", doc: "What it ran is given to others" }],
  args: [{ name: "node", kind: "string", doc: "Name or id of the machine, as `skep nodes` shows it" }],
  flags: { reason: { kind: "string", default: "", doc: "Why, for the record" } },
  danger: "moderate",
  run: async (context) => {
    const { args, flags, out, signal } = context;
    const [{ connectOf }, { appendLine }] = await Promise.all([
      import("../client/connect.ts"),
      import("../client/control.ts"),
    ]);
    await using client = await connectOf(context);
    const node = await workerNamed(client, args.node, signal);
    const also = node === args.node ? "" : ` (${node})`;
    await context.confirm({ act: `Remove ${args.node}${also}`, name: args.node });
    const line = JSON.stringify({ op: "remove", node, reason: flags.reason });
    await appendLine(client, "/net/ctl", line, signal);
    if (out.wantsJson) return out.json({ node, removed: true });
    return out.message(`Removed ${args.node}${also}`);
  },
});

/** `skep node quarantine` and `skep node release`. */
function standing(name: "quarantine" | "release", summary: string): Command {
  return command({
    name: `node ${name}`,
    group: "access",
    summary,
    examples: [
      { run: `skep node ${name} w-abcdefghijkl`, doc: "`skep cat /worker/ID/trust` tells why it stands so" },
    ],
    args: [{ name: "node", kind: "string", doc: "Name or id of the machine, as `skep nodes` shows it" }],
    flags: {
      reason: { kind: "string", default: "by hand", doc: "Why, for the record; a release needs none" },
    },
    run: async (context) => {
      const { args, flags, out, signal } = context;
      const [{ connectOf }, { appendLine }] = await Promise.all([
        import("../client/connect.ts"),
        import("../client/control.ts"),
      ]);
      await using client = await connectOf(context);
      const node = await workerNamed(client, args.node, signal);
      const line = name === "release" ? { op: name } : { op: name, reason: flags.reason };
      await appendLine(client, `/worker/${node}/standing`, JSON.stringify(line), signal);
      const standing = name === "release" ? "released" : "quarantined";
      if (out.wantsJson) return out.json({ node, standing });
      return out.message(`${args.node}: ${standing}`);
    },
  });
}

/** `skep node quarantine`. */
export const nodesQuarantine: Command = standing(
  "quarantine",
  "Give a machine no more work until it is released",
);
/** `skep node release`. */
export const nodesRelease: Command = standing(
  "release",
  "Let a machine back that was put away: its next answers are all checked",
);

/** `skep node label`. */
export const nodesLabel: Command = command({
  name: "node label",
  group: "access",
  summary: "Give a machine labels that jobs can ask for, instead of those that it has",
  examples: [{ run: "skep node label desk gpu site=home", doc: "Two labels" }],
  args: [
    { name: "node", kind: "string", doc: "Name or id of the machine" },
    { name: "label", kind: "string", rest: true, optional: true, doc: "Labels; none takes all away" },
  ],
  run: async (context) => {
    const { args, out, signal } = context;
    const [{ connectOf }, { appendLine }] = await Promise.all([
      import("../client/connect.ts"),
      import("../client/control.ts"),
    ]);
    await using client = await connectOf(context);
    const node = await workerNamed(client, args.node, signal);
    const line = JSON.stringify({ op: "label", node, labels: args.label });
    await appendLine(client, "/net/ctl", line, signal);
    if (out.wantsJson) return out.json({ node, labels: args.label });
    return out.message(`${args.node}: ${args.label.join(" ") || "no labels"}`);
  },
});
