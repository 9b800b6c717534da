import { type Command, command } from "@skep/edge-cli";
import { z } from "zod";

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
    const { trustOf } = await import("../jobs/trust.ts");
    const shown = await Promise.all(
      wanted.map(async (row) => ({ ...row, trust: await trustOf(client, row.node) })),
    );
    if (shown.length === 0)
      context.out.message("No machine has joined yet: `skep invite` prints what one needs");
    await context.out.table(shown, [
      { title: "node", cell: ({ node }) => node },
      { title: "name", cell: ({ name }) => name },
      { title: "state", cell: ({ state }) => state },
      { title: "class", cell: ({ class: of }) => of },
      { title: "owner", cell: ({ owner }) => owner },
      { title: "labels", cell: ({ labels }) => labels.join(" ") },
      { title: "trust", cell: ({ trust }) => trust },
      { title: "path", cell: ({ path }) => path },
      { title: "why", cell: ({ why }) => why },
    ]);
  },
});

/** `skep node remove`. */
export const nodesRemove: Command = command({
  name: "node remove",
  group: "access",
  summary: "Remove a machine: its sessions end at once, its ticket and key count no more",
  examples: [{ run: "skep node remove w-abcdefghijkl --reason sold", doc: "What it ran is given to others" }],
  args: [{ name: "node", kind: "string", doc: "Name of the machine, as `skep nodes` shows it" }],
  flags: { reason: { kind: "string", default: "", doc: "Why, for the record" } },
  danger: "moderate",
  run: async (context) => {
    const { args, flags, out, signal } = context;
    await context.confirm({ act: `Remove ${args.node}`, name: args.node });
    const [{ connectOf }, { appendLine }] = await Promise.all([
      import("../client/connect.ts"),
      import("../client/control.ts"),
    ]);
    await using client = await connectOf(context);
    await appendLine(
      client,
      "/net/ctl",
      JSON.stringify({ op: "remove", node: args.node, reason: flags.reason }),
      signal,
    );
    out.message(`Removed ${args.node}`);
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
    args: [{ name: "node", kind: "string", doc: "Name of the machine, as `skep nodes` shows it" }],
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
      const line = name === "release" ? { op: name } : { op: name, reason: flags.reason };
      await appendLine(client, `/worker/${args.node}/standing`, JSON.stringify(line), signal);
      out.message(`${args.node}: ${name === "release" ? "released" : "quarantined"}`);
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
  examples: [{ run: "skep node label w-abcdefghijkl gpu site=home", doc: "Two labels" }],
  args: [
    { name: "node", kind: "string", doc: "Name of the machine" },
    { name: "label", kind: "string", rest: true, optional: true, doc: "Labels; none takes all away" },
  ],
  run: async (context) => {
    const { args, out, signal } = context;
    const [{ connectOf }, { appendLine }] = await Promise.all([
      import("../client/connect.ts"),
      import("../client/control.ts"),
    ]);
    await using client = await connectOf(context);
    const line = JSON.stringify({ op: "label", node: args.node, labels: args.label });
    await appendLine(client, "/net/ctl", line, signal);
    out.message(`${args.node}: ${args.label.join(" ") || "no labels"}`);
  },
});
