import { faults } from "@skep/fault";
import type { Right, Role } from "@skep/ticket";

const fault = faults("ticket-claims", {
  right: ["invalid", "Cannot read right", { cure: "Write PATH:VERB or PATH:VERB:RATE, as in /jobs:rw:10" }],
  subject: [
    "invalid",
    "Cannot mint a ticket of this role without --subject: its rights depend on who it is for",
  ],
});

/** Rights of a worker's ticket: itself, and what its leases open. */
export function workerRights(id: string): { readonly path: string; readonly verb: string }[] {
  return [
    { path: `/worker/${id}`, verb: "rw" },
    { path: "/jobs", verb: "rw" },
    { path: "/cas", verb: "rw" },
    // What its owner earned, and the proofs of it.
    { path: "/ledger", verb: "read" },
    { path: "/audit/proof", verb: "read" },
    // What it tells of itself.
    { path: `/queen/telemetry/${id}`, verb: "rw" },
  ];
}

const observed: readonly Right[] = [{ path: "/", verb: "read" }];

/** What a ticket of a role opens when nothing else is asked for. */
const usual: Readonly<Record<Role, (subject: string) => readonly Right[]>> = {
  queen: () => [{ path: "/", verb: "*" }],
  observer: () => observed,
  worker: workerRights,
  "worker-heartbeat": ofWorker,
  "worker-gpu": ofWorker,
  // Which buses and radios a subject sees is their own matter; what is read there is kept under its name.
  "worker-bus": (id) => [...ofWorker(id), { path: "/bus", verb: "rw" }, kept(id)],
  "worker-lora": (id) => [...ofWorker(id), { path: "/lora", verb: "rw" }, kept(id)],
  agent: (subject) => [
    { path: `/host/${lastStep(subject)}`, verb: "rw" },
    { path: `/guests/${lastStep(subject)}`, verb: "rw" },
    { path: "/proc", verb: "read" },
  ],
  publisher: (subject) => [kept(subject)],
};

function ofWorker(id: string): readonly Right[] {
  return [
    { path: `/worker/${id}`, verb: "rw" },
    { path: "/proc", verb: "read" },
    { path: "/log", verb: "read" },
  ];
}

function kept(subject: string): Right {
  return { path: `/queen/telemetry/${lastStep(subject)}`, verb: "rw" };
}

const lastStep = (subject: string): string => subject.split("/").at(-1) ?? subject;

/** Whom a ticket of this role is for where nothing is said. Throws `ticket-claims.subject` where that decides. */
export function subjectFor(role: Role, given: string | undefined, owner: string): string {
  if (given !== undefined) return given;
  if (role === "queen") return owner;
  if (role === "observer") return "observer";
  throw fault.subject(role);
}

/** The rights of a role for a subject. */
export function rightsFor(role: Role, subject: string): readonly Right[] {
  return usual[role](subject);
}

/** Reads `PATH:VERB` and `PATH:VERB:RATE`. Throws `ticket-claims.right`. */
export function parseRight(text: string): Right {
  const [, path, verb, rate] = /^(\/[^:]*):([^:]+)(?::(\d{1,7}))?$/.exec(text) ?? [];
  if (path === undefined || verb === undefined) throw fault.right(text);
  return { path, verb, ...(rate === undefined ? {} : { rate: Number(rate) }) };
}

/** What commands need of a hive, by their names. */
const purposes = {
  run: [
    { path: "/jobs", verb: "submit" },
    { path: "/jobs", verb: "rw" },
    { path: "/cas", verb: "rw" },
    // The key that a receipt is verified with, and why something was refused.
    { path: "/worker", verb: "read" },
    { path: "/proc/9p/session", verb: "read" },
  ],
} as const satisfies Record<string, readonly Right[]>;

/** The rights that `--right` and `--for` ask for. Throws `ticket-claims.right`. */
export function askedRights(asked: {
  readonly right: readonly string[];
  readonly for: keyof typeof purposes | undefined;
}): Right[] {
  return [...asked.right.map(parseRight), ...(asked.for ? purposes[asked.for] : [])];
}
