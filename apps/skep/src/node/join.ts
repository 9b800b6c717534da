import type { Clock } from "@skep/clock";
import type { Mesh } from "@skep/edge-mesh";
import { type Invite, joinCode } from "@skep/invite";
import type { Values } from "../config/mod.ts";
import { homeKey } from "../hive/keys.ts";
import { fault } from "./faults.ts";
import { type Membership, nodePlaces, readMembership } from "./folder.ts";
import { openNodeMesh } from "./mesh.ts";
import { machineName, redeem } from "./redeem.ts";
import { hasRunOut } from "./renew.ts";
import { finishWipe, wipe } from "./wipe.ts";

/** What joining is given. */
export interface JoinOptions {
  readonly folder: string;
  readonly invite: Invite;
  readonly clock: Clock;
  /** Looks on the local network whatever the configuration says. */
  readonly mdns: boolean;
  /** This machine's own configuration. */
  readonly values: Values;
  readonly name?: string;
  readonly log: (line: string) => void;
  /** A mesh of this machine that is there already. */
  readonly mesh?: Mesh;
}

/**
 * Joins the hive of an invitation over the mesh. For a machine that is a member of that hive already it is done; of another
 * hive it is refused. Throws `node.member`, `mesh.*`, and what `redeem` throws.
 */
export async function joinHive(
  { folder, invite, clock, mdns, values, name = machineName(), log, mesh: own }: JoinOptions,
  signal: AbortSignal,
): Promise<{ readonly membership: Membership; readonly code: string }> {
  finishWipe(folder);
  const identity = homeKey(nodePlaces.identity(folder));
  const code = joinCode(invite.hiveKey, identity.publicKey, invite.id);
  // Whose ticket ran out while it was away is no member any more.
  if (hasRunOut(folder, clock.now())) wipe(folder, false);
  const before = readMembership(folder);
  if (before && before.hive !== invite.hive) throw fault.member(before.hive);
  if (before) return { membership: before, code };
  const { hiveKey, addresses } = invite;
  await using mesh = await openNodeMesh({
    ...{ seed: identity.seed, hiveKey, addresses, mdns, values, log },
    ...(own && { mesh: own }),
  });
  await using client = await mesh.client(invite.ticket, signal);
  return { membership: await redeem(client, { folder, invite, identity, name, clock }, signal), code };
}
