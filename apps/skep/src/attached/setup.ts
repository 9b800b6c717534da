import { join } from "node:path";
import type { Clock } from "@skep/clock";
import type { Context } from "@skep/edge-cli";
import { faults } from "@skep/fault";
import type { Client } from "@skep/ninep";
import type { Target } from "../client/connect.ts";
import { readText } from "../client/files.ts";
import { parseAddress } from "../config/mod.ts";
import { userHome } from "../person.ts";
import { readWho } from "../worker/who.ts";

const fault = faults("attached", {
  ticket: ["absent", "Cannot read the ticket"],
  subject: ["invalid", "Cannot use this ticket here: the last step of its subject is no name of the kind"],
  hive: ["invalid", "Cannot read --hive", { cure: "Write HOST:PORT, or the path of the hive's socket" }],
});

/** What an attached agent's command comes to. */
export interface Setup {
  readonly ticket: string;
  readonly dial: (ticket: string) => Promise<Client>;
  /** The agent's own folder, which one agent of a name at a time uses. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/** The flags of such a command. */
export const setupFlags = {
  hive: {
    kind: "string",
    value: "HOST:PORT|SOCKET",
    doc: "Where the hive is; its home here where left out",
  },
} as const;

// Throws `attached.hive`.
function hiveAt(hive: string, aname: string): Target {
  if (hive.startsWith("/")) return { place: { path: hive }, aname, name: hive };
  const read = parseAddress(hive, { host: "127.0.0.1", port: 5640 });
  if (!read.ok || read.value === false) throw fault.hive(hive);
  return { place: read.value, aname, name: hive };
}

/** Reads the ticket and finds the hive. `mint` makes such a ticket. Throws `attached.ticket`, `attached.hive`. */
export async function setupOf(
  { global, io, out }: Pick<Context, "global" | "io" | "out">,
  flags: {
    readonly ticket: string;
    readonly hive?: string | undefined;
    readonly folder?: string | undefined;
  },
  { program, mint }: { readonly program: string; readonly mint: string },
): Promise<Setup> {
  const ticket = readText(flags.ticket)?.trim();
  if (ticket === undefined || ticket === "") throw fault.ticket(flags.ticket, { cure: mint });
  const { connect, targetOf } = await import("../client/connect.ts");
  const target =
    flags.hive === undefined ? { ...targetOf({ global, io }), aname: ticket } : hiveAt(flags.hive, ticket);
  const state = io.env.XDG_STATE_HOME || join(userHome, ".local", "state");
  return {
    ticket,
    dial: (aname) => connect({ ...target, aname }),
    folder: flags.folder ?? join(state, program),
    clock: io.clock,
    log: (line) => out.message(line),
  };
}

/** The name that a ticket is for: the last step of its subject. Throws `attached.subject`. */
export function nameIn(ticket: string, isName: (name: string) => boolean, mint: string): string {
  const { subject } = readWho(ticket);
  const name = subject.split("/").at(-1) ?? "";
  if (!isName(name)) throw fault.subject(subject, { cure: mint });
  return name;
}
