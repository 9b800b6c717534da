import { sign } from "node:crypto";
import { hostname } from "node:os";
import { rmSync } from "node:fs";
import { type Clock, delay } from "@skep/clock";
import { type Box, boxOf, createBox, type Invite, joinStatement, openBox } from "@skep/invite";
import type { Client } from "@skep/ninep";
import { z } from "zod";
import { appendLine } from "../client/control.ts";
import { replacePrivate } from "../client/files.ts";
import type { HomeKey } from "../hive/keys.ts";
import { fault } from "./faults.ts";
import { boxSecret, type Membership, membershipOf, nodePlaces, writeMembership } from "./folder.ts";

const Result = z.object({
  worker: z.string(),
  class: z.string(),
  owner: z.string(),
  ttl_ms: z.int().optional(),
});
const Renewed = z.object({ ttl_ms: z.int() });

const attempts = 100;
const pause = 100;

/** This machine's name as a hive takes it. */
export function machineName(): string {
  return (
    hostname()
      .replaceAll(/[^\w.@:+-]/g, "-")
      .slice(0, 64) || "machine"
  );
}

/** The ticket that a file has sealed for a box, as soon as it is there. Throws `node.sealed`. */
async function sealedTicket(
  client: Client,
  file: string,
  box: Box,
  clock: Clock,
  signal: AbortSignal,
): Promise<string> {
  let refused: unknown;
  for (let at = 0; at < attempts; at += 1) {
    const sealed = (await client.readAll(file, { signal })).toString().trim();
    try {
      if (sealed !== "") return openBox(box, sealed);
    } catch (thrown) {
      // Until the hive has made it, the file may have the one for the box before.
      refused = thrown;
    }
    await delay(clock, pause, signal);
  }
  throw refused ?? fault.sealed();
}

/** Leaves a ticket in the folder, and when it ends by this machine's clock. */
function keepTicket(folder: string, ticket: string, membership: Membership): Membership {
  replacePrivate(nodePlaces.ticket(folder), `${ticket}\n`);
  writeMembership(folder, membership);
  rmSync(nodePlaces.box(folder), { force: true });
  return membership;
}

/** What joining needs. */
export interface Joining {
  readonly folder: string;
  readonly invite: Invite;
  readonly identity: HomeKey;
  readonly name: string;
  readonly clock: Clock;
}

/**
 * Redeems an invitation on a client that is attached with its ticket, and leaves ticket and membership in the folder.
 * Interrupted anywhere, it can be done again. Throws the hive's `net.*` refusals, `node.sealed`, `invite-box.open`.
 */
export async function redeem(client: Client, joining: Joining, signal: AbortSignal): Promise<Membership> {
  const { folder, invite, identity, name, clock } = joining;
  const box = boxOf(boxSecret(folder, () => createBox().secret));
  const node = identity.publicKey;
  const statement = joinStatement({ hive: invite.hive, invite: invite.id, node, box: box.publicKey });
  const proof = sign(null, statement, identity.key).toString("hex");
  const line = JSON.stringify({ op: "redeem", node, box: box.publicKey, name, proof });
  const { result } = await appendLine(client, "/net/join", line, signal);
  const { worker, owner, ttl_ms: term } = Result.parse(result);
  const ticket = await sealedTicket(client, "/net/ticket", box, clock, signal);
  return keepTicket(folder, ticket, {
    v: 1,
    hive: invite.hive,
    hiveKey: invite.hiveKey,
    addresses: [...invite.addresses],
    worker,
    class: invite.class,
    owner,
    joined: clock.now(),
    ...(term !== undefined && { term, expires: clock.now() + term }),
  });
}

/**
 * Gets another ticket like the one that the client is attached with, and leaves it in the folder. Interrupted anywhere, it can
 * be done again. Throws the hive's `net.*` refusals and `node.sealed`.
 */
export async function renewTicket(
  client: Client,
  folder: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Membership> {
  const membership = membershipOf(folder);
  const box = boxOf(boxSecret(folder, () => createBox().secret));
  const home = `/worker/${membership.worker}`;
  const line = JSON.stringify({ op: "renew", box: box.publicKey });
  const { result } = await appendLine(client, `${home}/renew`, line, signal);
  const { ttl_ms } = Renewed.parse(result);
  const ticket = await sealedTicket(client, `${home}/renewal`, box, clock, signal);
  return keepTicket(folder, ticket, { ...membershipOf(folder), expires: clock.now() + ttl_ms });
}
