import { type Command, type Context, command, type FlagSpec, toned } from "@skep/edge-cli";
import { formatTime } from "@skep/text";
import type { Block, Roots } from "@skep/ticket";
import { connectOf, targetOf } from "../client/connect.ts";
import { appendLine } from "../client/control.ts";
import { claimFlags } from "./ticket-flags.ts";

const ticketArg = { name: "ticket", kind: "file", doc: "File of the ticket; - is stdin" } as const;
const rootFlag = {
  root: {
    kind: "string",
    value: "HEX",
    repeat: true,
    doc: "Public key of the hive's tickets, where there is no home of it",
  },
} as const satisfies Record<string, FlagSpec>;

async function rootsFor(context: Context, given: readonly string[]): Promise<Roots> {
  if (given.length > 0) return { rootPublicKeys: given };
  const { hiveHome } = await import("../access/home.ts");
  return (await import("../access/tickets.ts")).rootsOf(hiveHome(context));
}

async function open(context: Context, file: string, given: readonly string[]) {
  const [{ readTicket }, lib] = await Promise.all([import("../access/tickets.ts"), import("@skep/ticket")]);
  return { token: await readTicket(context, file), roots: await rootsFor(context, given), lib };
}

/** `skep ticket narrow`. */
export const ticketNarrow: Command = command({
  name: "ticket narrow",
  group: "access",
  summary: "Make a ticket that may do less out of one that may do more",
  doc: "Whoever holds a ticket can do this, without the hive. Nothing can be gained by it.",
  examples: [
    {
      run: "skep ticket narrow owner.ticket --subject owner/ci --for run --expires 1h",
      doc: "For a robot that runs jobs, for an hour",
    },
  ],
  args: [ticketArg],
  flags: {
    ...claimFlags,
    expires: { kind: "string", value: "8h", doc: "Holds at most so long" },
    ...rootFlag,
  },
  run: async (context) => {
    const { args, flags, io, out } = context;
    const { token, roots, lib } = await open(context, args.ticket, flags.root);
    const [tickets, { askedRights }, { unknownRights }] = await Promise.all([
      import("../access/tickets.ts"),
      import("../access/grants.ts"),
      import("../access/known.ts"),
    ]);
    const rights = askedRights(flags);
    for (const text of unknownRights(rights)) out.warn(text);
    const expiresAt =
      flags.expires === undefined ? undefined : tickets.expiryOf(flags.expires, io.clock.now());
    const budgets = tickets.budgetsOf(flags.ops, flags.bytes);
    const claims = {
      ...(flags.subject !== undefined && { subject: flags.subject }),
      ...(rights.length > 0 && { rights }),
      ...(expiresAt !== undefined && { expiresAt }),
      ...(budgets && { budgets }),
    };
    const narrowed = await lib.narrow(token, claims, roots);
    await (out.wantsJson ? out.json({ ticket: narrowed }) : out.data(`${narrowed}\n`, { raw: true }));
  },
});

/** `skep ticket seal`. */
export const ticketSeal: Command = command({
  name: "ticket seal",
  group: "access",
  summary: "Make a ticket that nobody can narrow further",
  examples: [{ run: "skep ticket seal guest.ticket > sealed.ticket", doc: "The sealed ticket on stdout" }],
  args: [ticketArg],
  flags: rootFlag,
  run: async (context) => {
    const { token, roots, lib } = await open(context, context.args.ticket, context.flags.root);
    const sealed = await lib.seal(token, roots);
    const { out } = context;
    await (out.wantsJson ? out.json({ ticket: sealed }) : out.data(`${sealed}\n`, { raw: true }));
  },
});

function linesOf({ id, claims }: Block, now: number): readonly (readonly [string, string])[] {
  const { subject, role, hive, rights = [], budgets = {}, issuedAt, expiresAt } = claims;
  const known: (readonly [string, string | undefined])[] = [
    ["block", id],
    ["subject", subject],
    ["role", role],
    ["hive", hive],
    ...rights.map(({ path, verb, rate }) => ["right", `${verb} ${path}${rate ? ` ${rate}/s` : ""}`] as const),
    ...Object.entries(budgets).map(([name, count]) => ["budget", `${name} ${count}`] as const),
    ["issued", issuedAt === undefined ? undefined : formatTime(issuedAt)],
    [
      "expires",
      expiresAt === undefined
        ? undefined
        : `${formatTime(expiresAt)}${expiresAt <= now ? ": it has expired" : ""}`,
    ],
  ];
  return known.filter((line): line is readonly [string, string] => line[1] !== undefined);
}

/** `skep ticket show`. */
export const ticketShow: Command = command({
  name: "ticket show",
  group: "access",
  summary: "Show what a ticket says, block by block",
  doc: "The ticket must be one of this hive's, expired or not. The ticket itself is not shown.",
  examples: [{ run: "skep ticket show guest.ticket", doc: "Its rights, budgets and expiry" }],
  args: [ticketArg],
  flags: rootFlag,
  run: async (context) => {
    const { out, io } = context;
    const { token, roots, lib } = await open(context, context.args.ticket, context.flags.root);
    const { sealed, blocks } = await lib.describe(token, roots);
    if (out.wantsJson) return out.json({ sealed, blocks });
    for (const block of blocks)
      for (const [name, value] of linesOf(block, io.clock.now()))
        await out.line(toned(name === "block" ? "strong" : "dim", name.padEnd(9)), value);
    if (sealed) await out.line("sealed: nobody can narrow it");
    return undefined;
  },
});

/** `skep ticket revoke`. */
export const ticketRevoke: Command = command({
  name: "ticket revoke",
  group: "access",
  summary: "Revoke a ticket and all that were narrowed from it",
  doc: "Its sessions end at once. The ticket itself is not sent: the id of its last block is enough.",
  examples: [
    { run: "skep ticket revoke guest.ticket", doc: "By its file" },
    { run: "skep ticket revoke --block 3f9c…", doc: "By the id of a block, as `ticket show` tells it" },
  ],
  args: [{ ...ticketArg, optional: true }],
  flags: {
    block: { kind: "string", value: "ID", doc: "The block to revoke, instead of a file" },
    ...rootFlag,
  },
  danger: "mild",
  run: async (context) => {
    const { args, flags, out } = context;
    let { block } = flags;
    if (block === undefined) {
      const { token, roots, lib } = await open(context, args.ticket ?? "-", flags.root);
      block = (await lib.describe(token, roots)).blocks.at(-1)?.id ?? "";
    }
    await context.confirm({ act: `Revoke block ${block} in ${targetOf(context).name}`, name: block });
    await using client = await connectOf(context);
    const answer = await appendLine(client, "/queen/ctl", JSON.stringify({ revoke: block }), context.signal);
    if (out.wantsJson) await out.json(answer);
    else await out.line("Revoked ", block);
  },
});
