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
  readonly command: Json | ((place: UndoPlace) => Promise<Json>);
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

const leased = (command: Json, path: string): UndoCase => ({
  path: "/queen/lease/ctl",
  command,
  shows: async (owner) => (await text(owner, path)).replace(/(since|until)_ms=\d+ /g, ""),
});

/** Whether a lease could be granted; it is given back at once. */
async function takes(owner: Session, grant: Json): Promise<string> {
  const { verdict, code, result } = await owner.append("/queen/lease/ctl", grant);
  if (verdict !== "ok") return String(code);
  await owner.append("/queen/lease/ctl", { op: "release", lease: (result as { lease: string }).lease });
  return "granted";
}

const nightly: Json = {
  op: "add",
  id: "nightly",
  job: { run: { kind: "task", name: "add" } },
  at_ms: 4_102_444_800_000,
  every_s: 86_400,
};
const scheduled = (command: Json): UndoCase => ({
  path: "/queen/schedule/ctl",
  before: ({ owner }) => owner.append("/queen/schedule/ctl", nightly),
  command,
  shows: async (owner) => (await text(owner, "/proc/schedule/queue")).replace(/due_ms=\d+ /g, ""),
});

/** Two models of a bridge, of which the first is active. */
const pointed = (command: Json): UndoCase => ({
  path: "/models/ctl",
  before: async ({ owner }) => {
    const models = ["a", "b"].map((id) => ({ id, manifest: "" }));
    await owner.append("/gpu/bridge/ctl", { op: "publish", models });
    await owner.append("/models/ctl", { op: "activate", model: "a" });
  },
  command,
  shows: async (owner) => (await text(owner, "/models/active")).replace(/^(since_ms|record)=.*\n/gm, ""),
});

/** A device with a sealed segment, without its bytes: its events as they would be. */
async function sealed({ kernel }: UndoPlace): Promise<void> {
  const seg = "seg-000001";
  const told = { device: "probe", bytes: 1, records: 1, digest: "0".repeat(64), sources: {} };
  kernel.system("telemetry", "/queen/telemetry", { op: "seal" }, () => ({
    events: [
      { type: "opened@1", data: { device: "probe", number: 1, mime: "text/plain", evicted: [] } },
      { type: "sealed@1", data: { ...told, seg } },
    ],
  }));
}

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
  "/policy/ctl retention": {
    path: "/policy/ctl",
    command: { op: "retention", outputs_age_ms: 1, outputs_size: 2, ended_jobs_age_ms: 3 },
    shows: async (owner) => (await text(owner, "/policy/retention")).replace(/^by=.*\n/m, ""),
  },
  "/policy/ctl witnesses": {
    path: "/policy/ctl",
    command: { op: "witnesses", policy: "quorum none\n" },
    shows: (owner) => text(owner, "/policy/witnesses"),
  },
  "/policy/contain quarantine": contained({ op: "quarantine", class: "wasm" }),
  "/policy/contain block": contained({ op: "block", subject: "ann" }),
  "/policy/contain freeze": contained({ op: "freeze", worker: "w-a" }),
  "/policy/contain revoke": contained({ op: "revoke", ticket: "b-1" }),
  "/policy/contain drain": contained({ op: "drain", worker: "*" }),
  "/policy/contain lift": {
    path: "/policy/contain",
    before: ({ owner }) => owner.append("/policy/contain", { op: "block", subject: "ann", reason: "odd" }),
    command: async ({ owner }) => {
      const [{ ban }] = JSON.parse(await text(owner, "/policy/bans.json")) as [{ ban: string }];
      return { op: "lift", ban };
    },
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
  "/queen/lease/ctl grant": leased(
    { op: "grant", resource: "gpu/0", holder: "w-a", ttl_s: 60 },
    "/proc/lease/active",
  ),
  "/queen/lease/ctl units": {
    ...leased({ op: "units", resource: "gpu/0", units: 3 }, ""),
    shows: (owner) => takes(owner, { op: "grant", resource: "gpu/0", holder: "w-a", units: 2, ttl_s: 60 }),
  },
  "/queen/lease/ctl quota": {
    ...leased({ op: "quota", holder: "w-a", leases: 0 }, ""),
    shows: (owner) => takes(owner, { op: "grant", resource: "gpu/0", holder: "w-a", ttl_s: 60 }),
  },
  "/queen/schedule/ctl add": { ...scheduled(nightly), before: async () => undefined },
  "/queen/schedule/ctl pause": scheduled({ op: "pause", id: "nightly" }),
  "/queen/schedule/ctl resume": {
    ...scheduled({ op: "resume", id: "nightly" }),
    before: async ({ owner }) => {
      await owner.append("/queen/schedule/ctl", nightly);
      await owner.append("/queen/schedule/ctl", { op: "pause", id: "nightly" });
    },
  },
  "/queen/schedule/ctl priority": scheduled({ op: "priority", id: "nightly", priority: 7 }),
  "/queen/export/ctl export": {
    path: "/queen/export/ctl",
    before: sealed,
    command: { op: "export", id: "a", device: "probe" },
    shows: (owner) => names(owner, "/queen/export/lora_jobs"),
  },
  "/models/ctl activate": pointed({ op: "activate", model: "b" }),
  "/models/ctl rollback": pointed({ op: "rollback" }),
};
