import type { Deciding, Inverse, Json } from "@skep/kernel";
import type { Command } from "./commands.ts";
import type { Peers } from "./state.ts";

type At = Pick<Deciding<Peers>, "state">;

/** What approvers see of a machine. */
function target(line: Command, { state }: At): Json {
  if (line.op !== "remove") return null;
  const member = state.members.get(line.node);
  return member ? { state: member.state, labels: member.labels } : null;
}

/** What `/net/ctl` does. */
export const netActs = {
  invite: {
    class: "reversible",
    inverse: (_line: Command, _at: At, result: Json): Inverse => ({
      command: { op: "revoke", invite: (result as { readonly invite: string }).invite },
    }),
  },
  engage: { class: "compensable", compensation: "Remove the machine, or revoke its invitation" },
  revoke: { class: "compensable", compensation: "Invite again: a revoked invitation stays void" },
  remove: { class: "compensable", compensation: "Invite the machine again", target },
  label: {
    class: "reversible",
    inverse: (line: Command, { state }: At): Inverse => {
      const node = "node" in line ? line.node : "";
      return { command: { op: "label", node, labels: state.members.get(node)?.labels ?? [] } };
    },
  },
} as const;

/** What `/worker/<id>/renew` does. */
export const renewActs = {
  renew: { class: "compensable", compensation: "Remove the machine: `remove` at /net/ctl" },
} as const;

/** What `/net/join` does. A rule about observers is not about machines that come with an invitation. */
export const joinActs = {
  redeem: {
    class: "compensable",
    compensation: "Remove the machine: `remove` at /net/ctl",
    as: "invitation",
  },
} as const;
