import { createRoot, mint } from "@skep/ticket";
import {
  type Actor,
  ConsoleClient,
  consoleDoor,
  type Door,
  type Entry,
  httpDoor,
  ninepDoor,
  sessionDoor,
  type Stage,
} from "@skep/testing";
import { connect } from "../client/connect.ts";
import { allSecrets } from "../config/mod.ts";
import { authorityOf } from "../hive/door.ts";
import type { TestHive } from "../testing/hive.ts";

/** The ways into a hive that a transcript is played through. */
export const edges = ["session", "9p", "console", "http"] as const;
export type Edge = (typeof edges)[number];

async function ticketOf({ hive }: TestHive, { name, role, rights, ops }: Actor): Promise<string> {
  return mint(createRoot(hive.keys.ticket.key), {
    subject: name,
    role: role as "queen",
    hive: hive.keys.hive,
    rights: rights.map((right) => ({ ...right })),
    issuedAt: hive.kernel.time.now(),
    ...(ops === undefined ? {} : { budgets: { ops } }),
  });
}

const consoleRole = (role: string): string => (role === "worker" ? "worker-heartbeat" : role);

async function doorOf(hive: TestHive, edge: Edge, actor: Actor, ticket: string): Promise<Door> {
  if (edge === "session")
    return sessionDoor(await hive.hive.door.attach({ kind: "ticket", token: ticket }, "session"));
  if (edge === "9p") {
    const target = { place: { path: hive.at.socket }, aname: ticket, name: actor.name };
    return ninepDoor(await connect(target));
  }
  if (edge === "http") return httpDoor(`http://127.0.0.1:${hive.at.http?.port}`, ticket);
  const at = hive.at.console;
  if (!at) throw new Error("the hive has no console");
  const token = allSecrets(hive.hive.config, hive.home)["console.token"].secret.reveal();
  return consoleDoor(await ConsoleClient.attached(at, token, consoleRole(actor.role), ticket));
}

/** A running hive behind one edge; every actor attaches with a ticket of its own. */
export function stageOf(hive: TestHive, edge: Edge): Stage {
  return {
    async enter(actor: Actor): Promise<Entry> {
      const ticket = await ticketOf(hive, actor);
      const { blocks } = authorityOf(await hive.hive.door.ticket(ticket));
      const understudy = await hive.hive.door.attach({ kind: "ticket", token: ticket }, "session");
      return {
        door: await doorOf(hive, edge, actor, ticket),
        understudy: sessionDoor(understudy),
        block: blocks.at(-1)?.id ?? "",
      };
    },
  };
}
