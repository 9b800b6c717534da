import { type Command, command } from "@skep/edge-cli";
import { claimFlags } from "./ticket-flags.ts";

const roles = [
  "queen",
  "worker",
  "worker-heartbeat",
  "worker-gpu",
  "worker-bus",
  "worker-lora",
  "observer",
  "agent",
  "publisher",
] as const;

/** `skep ticket mint`. */
export const ticketMint: Command = command({
  name: "ticket mint",
  group: "access",
  summary: "Mint a ticket with the key of the home",
  doc: "Prints the ticket alone on stdout; needs no running hive. Without --right and --for it opens what its role usually needs.",
  examples: [
    {
      run: "skep ticket mint --role observer > guest.ticket",
      doc: "Reads everything, changes nothing, for 30 days",
    },
    {
      run: "skep ticket mint --role queen --subject ci --for run --expires 8h",
      doc: "Runs jobs for eight hours",
    },
  ],
  flags: {
    role: { kind: "choice", choices: roles, required: true, doc: "What its bearer is" },
    ...claimFlags,
    expires: { kind: "string", value: "8h|never", default: "30d", doc: "How long it holds" },
  },
  run: async (context) => {
    const { flags, out, io } = context;
    const [tickets, grants, { hiveHome }, { unknownRights }] = await Promise.all([
      import("../access/tickets.ts"),
      import("../access/grants.ts"),
      import("../access/home.ts"),
      import("../access/known.ts"),
    ]);
    const rights = grants.askedRights(flags);
    for (const text of unknownRights(rights)) out.warn(text);
    const now = io.clock.now();
    const home = hiveHome(context);
    const subject = grants.subjectFor(flags.role, flags.subject, tickets.ownerSubject);
    const expiresAt = tickets.expiryOf(flags.expires, now);
    const token = await tickets.mintTicket(home, now, {
      role: flags.role,
      subject,
      expiresAt,
      budgets: tickets.budgetsOf(flags.ops, flags.bytes),
      ...(rights.length > 0 && { rights }),
    });
    if (out.wantsJson) await out.json({ ticket: token, role: flags.role, subject, expiresAt });
    else await out.data(`${token}\n`, { raw: true });
  },
});
