import type { Json, Kernel, Session } from "@skep/kernel";

/** A hive in which something is done and undone. */
export interface UndoPlace {
  readonly kernel: Kernel;
  readonly owner: Session;
}

/** An act, and what must be as before once it was undone. */
export interface UndoCase {
  readonly path: string;
  readonly before?: (place: UndoPlace) => Promise<unknown>;
  readonly command: Json;
  /** What the act changes; told before the act, after it, and after its inverse. */
  readonly shows: (owner: Session) => Promise<string>;
}

const text = async (owner: Session, path: string): Promise<string> =>
  Buffer.from(await owner.read(path)).toString();
const names = async (owner: Session, path: string): Promise<string> =>
  (await owner.list(await owner.find(path))).map(({ name }) => name).join(" ");
const rules = async (owner: Session): Promise<string> =>
  (await text(owner, "/policy/rules")).replace(/^version=.*\n/, "");

const open = "permit (principal, action, resource);";
const apply = (id: string): Json => ({ op: "apply", files: { [`${id}.cedar`]: `@id("${id}") ${open}` } });

/** A machine that joined, without one: its events as they would be. */
async function joined({ kernel, owner }: UndoPlace): Promise<void> {
  const { result } = await owner.append("/net/ctl", { op: "invite", labels: ["site=home"] });
  const { invite } = result as { readonly invite: string };
  const data = { invite, worker: "w-a", box: "0".repeat(64), name: "a", key: "0".repeat(64) };
  kernel.system("peers", "/net/join", { op: "redeem" }, () => ({ events: [{ type: "redeemed@1", data }] }));
}

const bans = async (owner: Session): Promise<string> =>
  (await text(owner, "/policy/bans"))
    .replace(/^ban=\d+ (.*) at_ms=\d+/gm, "$1")
    .replace(/until_ms=\d+ /g, "");
const contained = (command: { readonly [key: string]: Json }): UndoCase => ({
  path: "/policy/contain",
  command: { ...command, reason: "odd" },
  shows: bans,
});

/** One case for each reversible act, by path and name; a test asks for those that are missing. */
export const undoCases: Readonly<Record<string, UndoCase>> = {
  "/queen/ctl spawn": {
    path: "/queen/ctl",
    command: { spawn: "heartbeat", ticks: 1 },
    shows: (owner) => names(owner, "/worker"),
  },
  "/policy/ctl apply": {
    path: "/policy/ctl",
    before: ({ owner }) => owner.append("/policy/ctl", apply("a")),
    command: apply("b"),
    shows: rules,
  },
  "/policy/ctl rollback": {
    path: "/policy/ctl",
    before: async ({ owner }) => {
      await owner.append("/policy/ctl", apply("a"));
      await owner.append("/policy/ctl", apply("b"));
    },
    command: { op: "rollback", version: 1 },
    shows: rules,
  },
  "/policy/contain quarantine": contained({ op: "quarantine", class: "wasm" }),
  "/policy/contain block": contained({ op: "block", subject: "ann" }),
  "/policy/contain freeze": contained({ op: "freeze", worker: "w-a" }),
  "/policy/contain revoke": contained({ op: "revoke", ticket: "b-1" }),
  "/policy/contain drain": contained({ op: "drain", worker: "*" }),
  "/policy/contain lift": {
    path: "/policy/contain",
    before: ({ owner }) => owner.append("/policy/contain", { op: "block", subject: "ann", reason: "odd" }),
    command: { op: "lift", ban: "1" },
    shows: bans,
  },
  "/net/ctl invite": {
    path: "/net/ctl",
    command: { op: "invite" },
    shows: async (owner) => String((await text(owner, "/net/invites")).match(/state=open/g)?.length ?? 0),
  },
  "/net/ctl label": {
    path: "/net/ctl",
    before: joined,
    command: { op: "label", node: "w-a", labels: ["gpu"] },
    shows: (owner) => text(owner, "/net/nodes"),
  },
};
