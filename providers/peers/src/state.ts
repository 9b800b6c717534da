import { emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

export const classes = ["owned", "borrowed", "rented", "volunteer"] as const;
export type MachineClass = (typeof classes)[number];

/** What is known of an invitation; who holds the line itself is not. */
export type Invited = {
  readonly class: MachineClass;
  readonly role: string;
  /** Whose machine joins with it. Machines of one owner never count as two in a vote. */
  readonly owner: string;
  readonly labels: readonly string[];
  /** Milliseconds since 1970. */
  readonly made: number;
  readonly expiresAt: number;
  readonly by: string;
  readonly state: "open" | "redeemed" | "used" | "revoked";
  /** The machine that redeemed it. */
  readonly node?: string;
  /** What the volunteer said to which it was offered. */
  readonly answer?: string;
  /** Milliseconds that a ticket of its machine lasts; absent where for ever. */
  readonly term?: number;
};

/** A machine that joined, by the name of its worker. */
export type Member = {
  /** Ed25519 public key of its identity, hex. */
  readonly key: string;
  /** X25519 public key that its ticket is sealed for, hex. */
  readonly box: string;
  readonly invite: string;
  readonly class: MachineClass;
  readonly role: string;
  readonly owner: string;
  readonly labels: readonly string[];
  readonly name: string;
  readonly state: "joining" | "member" | "removed";
  /** Why it was removed, or empty. */
  readonly reason: string;
  /** Ids of the ticket blocks that it was given, so that they can be revoked. */
  readonly blocks: readonly string[];
  /** When it took its present state, milliseconds. */
  readonly since: number;
  /** Milliseconds that a ticket of it lasts, and when the newest ends; absent where it lasts for ever. */
  readonly term?: number;
  readonly expiresAt?: number;
};

/** The slice. Bound: machines that ever joined, and invitations of the last day. */
export interface Peers {
  readonly invites: Table<Invited>;
  readonly members: Table<Member>;
}

export const initial = (scope: Scope): Peers => ({
  invites: scope.table("invites"),
  members: scope.table("members"),
});

type Made = Omit<Invited, "state" | "made"> & { readonly invite: string };
type Renewed = { readonly worker: string } & Required<Pick<Member, "box" | "term" | "expiresAt">>;
type Redeemed = Pick<Member, "key" | "box" | "invite" | "name"> & { readonly worker: string };

function change<T>(table: Table<T>, key: string, with_: Partial<T>): void {
  const before = table.get(key);
  if (before !== undefined) table.set(key, { ...before, ...with_ });
}

export const events = {
  "invited@1": ({ invites }: Peers, { invite, ...data }: Made, { time }: EventMeta) =>
    invites.set(invite, { ...data, made: time, state: "open" }),
  "redeemed@1": ({ invites, members }: Peers, { worker, ...data }: Redeemed, { time }: EventMeta) => {
    const invited = invites.get(data.invite);
    if (!invited) return;
    const { class: of, role, owner, labels } = invited;
    const blocks = members.get(worker)?.blocks ?? [];
    const member = { ...data, class: of, role, owner, labels, state: "joining", reason: "", blocks } as const;
    members.set(worker, { ...member, since: time });
    invites.set(data.invite, { ...invited, state: "redeemed", node: worker });
  },
  "issued@1": ({ members }: Peers, { worker, block }: { worker: string; block: string }) =>
    change(members, worker, { blocks: [...(members.get(worker)?.blocks ?? []), block] }),
  "termed@1": ({ invites }: Peers, { invite, term }: { invite: string; term: number }) =>
    change(invites, invite, { term }),
  // Of two renewals the first comes with at least half a term left: only the newest ticket still counts.
  "renewed@1": ({ members }: Peers, { worker, ...data }: Renewed) =>
    change(members, worker, { ...data, blocks: members.get(worker)?.blocks.slice(-1) ?? [] }),
  "kernel:revoked@1": ({ members }: Peers, { block }: { block: string }) => {
    for (const [worker, { blocks }] of members.entries())
      if (blocks.includes(block)) change(members, worker, { blocks: blocks.filter((one) => one !== block) });
  },
  "answered@1": ({ invites }: Peers, { invite, answer }: { invite: string; answer: string }) =>
    change(invites, invite, { answer }),
  "revoked@1": ({ invites }: Peers, { invite }: { invite: string }) =>
    change(invites, invite, { state: "revoked" }),
  "removed@1": (
    { members }: Peers,
    { worker, reason }: { worker: string; reason: string },
    { time }: EventMeta,
  ) => change(members, worker, { state: "removed", reason, blocks: [], since: time }),
  "labelled@1": ({ members }: Peers, { worker, labels }: { worker: string; labels: readonly string[] }) =>
    change(members, worker, { labels }),
  "lapsed@1": ({ invites }: Peers, { invites: names }: { invites: readonly string[] }) => {
    for (const name of names) invites.delete(name);
  },
  // The first word that a machine says with its own ticket shows that the ticket arrived: the invitation is used up.
  "workers:joined@1": ({ invites, members }: Peers, { worker }: { worker: string }, { time }: EventMeta) => {
    const member = members.get(worker);
    if (member?.state !== "joining") return;
    members.set(worker, { ...member, state: "member", since: time });
    change(invites, member.invite, { state: "used" });
  },
} as const;

export const emit = emitter(events);
