import { sign } from "node:crypto";
import { hostname } from "node:os";
import { rmSync } from "node:fs";
import { type Clock, delay } from "@skep/clock";
import { boxOf, createBox, type Invite, joinStatement, openBox } from "@skep/invite";
import type { Client } from "@skep/ninep";
import { z } from "zod";
import { appendLine } from "../client/control.ts";
import { replacePrivate } from "../client/files.ts";
import type { HomeKey } from "../hive/keys.ts";
import { fault } from "./faults.ts";
import { boxSecret, type Membership, nodePlaces, writeMembership } from "./folder.ts";

const Result = z.object({ worker: z.string(), class: z.string(), owner: z.string() });

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

async function sealedTicket(client: Client, clock: Clock, signal: AbortSignal): Promise<string> {
  for (let at = 0; at < attempts; at += 1) {
    const sealed = (await client.readAll("/net/ticket", { signal })).toString().trim();
    if (sealed !== "") return sealed;
    await delay(clock, pause, signal);
  }
  throw fault.sealed();
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
  const { worker, owner } = Result.parse(result);
  const ticket = openBox(box, await sealedTicket(client, clock, signal));
  replacePrivate(nodePlaces.ticket(folder), `${ticket}\n`);
  const membership: Membership = {
    v: 1,
    hive: invite.hive,
    hiveKey: invite.hiveKey,
    addresses: [...invite.addresses],
    worker,
    class: invite.class,
    owner,
    joined: clock.now(),
  };
  writeMembership(folder, membership);
  rmSync(nodePlaces.box(folder), { force: true });
  return membership;
}
