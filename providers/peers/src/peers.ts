import {
  type Build,
  type Caller,
  defineProvider,
  type Deciding,
  type Decision,
  type Json,
  type Node,
  type Provider,
  type Scene,
} from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { joinActs, netActs, renewActs } from "./acts.ts";
import { Command, Join, Leave, Renew } from "./commands.ts";
import { command, issued, join, type Judge, leave, renew } from "./decide.ts";
import { emit, events, initial, type Invited, type Member, type Peers } from "./state.ts";

/** What others may ask of machines that joined. */
export interface MembersView {
  get(worker: string): Member | undefined;
}

/** What is known of the processes of workers. */
interface Uses {
  readonly workers: { get(id: string): { readonly present: boolean; readonly slots: number } | undefined };
}

/** A ticket that was made for a machine. */
export interface Issue {
  readonly worker: string;
  /** X25519 public key, hex. */
  readonly box: string;
  readonly role: string;
  /** Milliseconds since 1970; absent for a ticket that lasts. */
  readonly expiresAt?: number;
  /** It follows one that this machine has, and opens nothing more. */
  readonly follows?: true;
}

/** Work that is offered to a volunteer. */
export interface Engagement {
  /** Its PeerId. */
  readonly volunteer: string;
  readonly invite: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** SHA-256, hex. */
  readonly module: string;
  readonly requirements: {
    readonly cpu_cores: number;
    readonly memory_mb: number;
    readonly timeout_seconds: number;
    readonly arch: string;
    readonly wasm_runtime: string;
  };
}

/** What the app passes in. */
export interface PeersDeps extends Judge {
  /** Mints a ticket, keeps it sealed for its box and gives its block's id; the same again when it is asked again. */
  readonly issue: (issue: Issue) => Promise<string>;
  /** What `issue` kept. */
  readonly sealed: (worker: string) => string | undefined;
  /** Six digits that the machine shows too, where nobody stands between. */
  readonly code: (key: string, invite: string) => string;
  /** Somebody was invited, or joined before: the hive must be reachable. */
  readonly wanted: () => void;
  /** How this hive is reached, as `key=value` lines have it. */
  readonly self: () => Readonly<Record<string, Json>>;
  /** Machines that offer themselves, as far as the mesh has found any. */
  readonly volunteers: () => readonly Readonly<Record<string, Json>>[];
  /** Offers work to a volunteer and hands it the invitation where it accepts; gives what it said, `Accepted` or why not. */
  readonly engage: (engagement: Engagement) => Promise<string>;
  /** What the mesh knows of a machine's path: `direct`, `relayed`, `local`, and why. */
  readonly path: (key: string) => { readonly path: string; readonly why: string } | undefined;
}

const keepMs = 24 * 3_600_000;
const inviteOf = ({ subject }: Caller): string | undefined => /^invite\/([0-9a-f]{16})$/.exec(subject)?.[1];

type At = Scene<Peers, Uses>;

const wire = (value: unknown): string => escapeForeign(String(value), { form: "wire" });

function lines(rows: readonly Readonly<Record<string, Json | undefined>>[]): string {
  return rows
    .map((row) =>
      Object.entries(row)
        .map(([name, value]) => `${name}=${wire(Array.isArray(value) ? value.join(",") : value)}`)
        .join(" "),
    )
    .map((line) => `${line}\n`)
    .join("");
}

function memberRow(id: string, member: Member, { views }: At, deps: PeersDeps): Record<string, Json> {
  const known = views.workers.get(id);
  const path = deps.path(member.key);
  const present = member.state === "member" ? (known?.present === true ? "present" : "absent") : member.state;
  return {
    node: id,
    name: member.name,
    state: present,
    class: member.class,
    owner: member.owner,
    labels: member.labels as Json,
    path: path?.path ?? (known?.present === true ? "local" : "none"),
    why: path?.why ?? member.reason,
    since_ms: member.since,
    key: member.key,
  };
}

function inviteRow(
  id: string,
  { answer, by, class: of, expiresAt, node, owner, role, state }: Invited,
): Record<string, Json> {
  const said = answer === undefined ? {} : { answer };
  return { invite: id, state, class: of, role, owner, expires_ms: expiresAt, node: node ?? "", by, ...said };
}

const memberRows = (scene: At, deps: PeersDeps) =>
  [...scene.state.members.entries()].map(([id, member]) => memberRow(id, member, scene, deps));
const inviteRows = ({ state }: At) =>
  [...state.invites.entries()].map(([id, invited]) => inviteRow(id, invited));

function lapsed({ invites }: Peers, now: number): string[] {
  return [...invites.entries()].filter(([, { expiresAt }]) => expiresAt + keepMs <= now).map(([id]) => id);
}

function next({ invites }: Peers): number | undefined {
  const ends = [...invites.entries()].map(([, { expiresAt }]) => expiresAt + keepMs);
  return ends.length === 0 ? undefined : Math.min(...ends);
}

/** What became of an effect, as a record. */
function outcome(kind: string, args: Json, result: Json, deciding: Deciding<Peers, Uses>): Decision {
  if (kind === "engage") return answered(args, result);
  const { worker } = args as { worker: string };
  const { ok } = result as { ok?: string };
  return ok === undefined ? { events: [] } : issued(worker, ok, deciding);
}

/** What a volunteer said; where it does not come its invitation is void. */
function answered(args: Json, result: Json): Decision {
  const { invite } = args as { invite: string };
  const { ok = "Cannot engage volunteer: the hive was stopped" } = result as { ok?: string };
  const said = emit("answered@1", { invite, answer: ok });
  return { events: ok === "Accepted" ? [said] : [said, emit("revoked@1", { invite })] };
}

const memberPaths = ({ worker }: { readonly worker: string }): string[] => [
  "/net/nodes",
  `/worker/${worker}`,
];

/** What is rendered anew after which event. */
const touches = {
  "invited@1": () => "/net/invites",
  "revoked@1": () => "/net/invites",
  "answered@1": () => "/net/invites",
  "lapsed@1": () => "/net/invites",
  "redeemed@1": memberPaths,
  "removed@1": memberPaths,
  "labelled@1": memberPaths,
  "termed@1": () => "/net/invites",
  "renewed@1": memberPaths,
  "issued@1": ({ worker, block }: { worker: string; block: string }) => [
    ...memberPaths({ worker }),
    `ticket:${block}`,
  ],
};

/** Whether it is a machine's own session that asks. */
const isOwn = ({ state, caller, params }: Pick<At, "state" | "caller" | "params">): boolean =>
  caller.subject === params.id && state.members.has(params.id ?? "");

function forget({ state, now }: Deciding<Peers, Uses>): Decision | undefined {
  const invites = lapsed(state, now);
  return invites.length === 0 ? undefined : { events: [emit("lapsed@1", { invites })] };
}

/** What a machine's own session has to say and to read. */
function ownNodes(t: Build<Peers, Uses>, deps: PeersDeps): Record<string, Node> {
  const ends = (scene: Pick<At, "state" | "caller" | "params">): boolean =>
    isOwn(scene) && scene.state.members.get(scene.params.id ?? "")?.term !== undefined;
  return {
    "/worker/:id/renew": t.control("Ask for another ticket like this machine's own, before that ends", {
      input: Renew,
      undo: "compensable",
      acts: renewActs,
      visible: ends,
      examples: [`{"op":"renew","box":"${"5a".repeat(32)}"}`],
      decide: (line, at) => renew(line, at.params.id ?? "", at),
    }),
    "/worker/:id/renewal": t.text("The newest ticket of this machine, sealed for the box that it named", {
      visible: ends,
      render: ({ params }) => `${deps.sealed(params.id ?? "") ?? ""}\n`,
    }),
    "/worker/:id/leave": t.control("Take this machine out of the hive", {
      input: Leave,
      undo: "irreversible",
      acts: { leave: { class: "irreversible" } },
      outcome: true,
      visible: isOwn,
      examples: ['{"op":"leave"}'],
      decide: (_line, at) => leave(at.params.id ?? "", at),
    }),
  };
}

/** `/net`: invitations, the machines that joined with them, and how they are reached. */
export function peersProvider(deps: PeersDeps): Provider {
  return defineProvider<Peers, Uses>({
    name: "peers",
    doc: "Machines that join",
    uses: ["workers"],
    initial,
    events,
    offers: { members: ({ members }): MembersView => ({ get: (worker) => members.get(worker) }) },
    opened: ({ invites, members }) => {
      const lives = [...members.entries()].some(([, { state }]) => state !== "removed");
      if (lives || [...invites.entries()].some(([, { state }]) => state === "open")) deps.wanted();
    },
    notify: {
      "invited@1": () => deps.wanted(),
      "redeemed@1": (data: Member & { worker: string }, _meta, runtime) =>
        runtime.log(`${data.name} joins as ${data.worker}, code ${deps.code(data.key, data.invite)}`),
      "removed@1": ({ worker, reason }: { worker: string; reason: string }, _meta, runtime) =>
        runtime.log(`${worker} was removed${reason === "" ? "" : `: ${reason}`}`),
    },
    touches,
    effects: {
      issue: { recover: "retry", run: (issue: Issue) => deps.issue(issue) },
      engage: { recover: "unknown", run: (engagement: Engagement) => deps.engage(engagement) },
    },
    outcome: (kind, args, result, deciding) => outcome(kind, args, result, deciding),
    tick: { next, decide: forget },
    mounts: (t) => ({
      "/net": t.dir("Machines, and how they are reached", {
        self: t.text("How this hive is reached", {
          render: () => lines([deps.self()]).replaceAll(" ", "\n"),
          json: () => deps.self(),
        }),
        nodes: t.text("Machines that joined, one line each", {
          render: (scene) => lines(memberRows(scene, deps)),
          json: (scene) => memberRows(scene, deps),
        }),
        invites: t.text("Invitations of the last day, one line each", {
          visible: ({ caller }) => caller.role === "queen",
          render: (scene) => lines(inviteRows(scene)),
          json: (scene) => inviteRows(scene),
        }),
        volunteers: t.text("Machines that offer themselves in the mesh, one line each", {
          visible: ({ caller }) => caller.role === "queen",
          render: () => lines(deps.volunteers()),
          json: () => deps.volunteers() as Json,
        }),
        ctl: t.control("Invite a machine, revoke an invitation, remove or label a machine", {
          input: Command,
          right: "invite",
          undo: "compensable",
          acts: netActs,
          examples: [
            '{"op":"invite","class":"owned"}',
            '{"op":"engage","volunteer":"12D3KooWNA3cguiHJto6UNFDdhY5cm7sRBnnNvq2uLfs1jm6QvRW"}',
            '{"op":"revoke","invite":"0011223344556677"}',
            '{"op":"remove","node":"w-abcdefghijkl","reason":"sold"}',
            '{"op":"label","node":"w-abcdefghijkl","labels":["gpu","site=home"]}',
          ],
          decide: (line, at) => command(line, at),
        }),
        join: t.control("Join with an invitation's ticket", {
          input: Join,
          undo: "compensable",
          acts: joinActs,
          visible: ({ caller }) => inviteOf(caller) !== undefined,
          decide: (line, at) => join(line, inviteOf(at.caller) ?? "", at, deps),
        }),
        ticket: t.text("The ticket of the machine that joined with this invitation, sealed for it", {
          visible: ({ caller }) => inviteOf(caller) !== undefined,
          render: ({ state, caller }) => {
            const worker = state.invites.get(inviteOf(caller) ?? "")?.node ?? "";
            const issued = (state.members.get(worker)?.blocks.length ?? 0) > 0;
            return issued ? `${deps.sealed(worker) ?? ""}\n` : "";
          },
        }),
      }),
      ...ownNodes(t, deps),
    }),
  });
}
