import type { EntityJson, SchemaJson, StatefulAuthorizationCall } from "@cedar-policy/cedar-wasm/nodejs";

/** How an act can be taken back. */
export type ActClass = "reversible" | "compensable" | "irreversible";

/** What policies are asked about: who does what to which file, and when. */
export interface PolicyRequest {
  /** Subject of the ticket. */
  readonly subject: string;
  /** Role of the ticket. */
  readonly role: string;
  /** The file that is written. */
  readonly path: string;
  /** What the command does there, such as `kill`. */
  readonly act: string;
  readonly class: ActClass;
  /** Whether the act destroys or changes data. */
  readonly data: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** State of the hive, such as `ONLINE`. */
  readonly lifecycle: string;
  /** Label of the data that the act is about. */
  readonly label?: string | undefined;
  /** Class of the machine that it is about: owned, borrowed, rented, volunteer. */
  readonly machine?: string | undefined;
  /** What the work that is handed in is for, as its owner names it: `general`, `training`. */
  readonly work?: string | undefined;
}

/** Attributes of a request that a policy can read, by the name that `reads` uses. */
export const attributes: Readonly<Record<string, (request: PolicyRequest) => string | number | boolean>> = {
  subject: ({ subject }) => subject,
  role: ({ role }) => role,
  path: ({ path }) => path,
  act: ({ act }) => act,
  class: (request) => request.class,
  data: ({ data }) => data,
  now: ({ now }) => now,
  hour: ({ now }) => Math.floor(now / 3_600_000) % 24,
  // 1970 began on a Thursday; Monday is 1.
  weekday: ({ now }) => ((Math.floor(now / 86_400_000) + 3) % 7) + 1,
  lifecycle: ({ lifecycle }) => lifecycle,
  label: ({ label }) => label ?? "",
  machine: ({ machine }) => machine ?? "",
  work: ({ work }) => work ?? "",
};

/** Attributes whose every value is new: what reads them is remembered only where it compares them with constants. */
export const fleeting: ReadonlySet<string> = new Set(["now"]);

function parentsOf(path: string): { type: string; id: string }[] {
  const parents: { type: string; id: string }[] = [];
  for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1))
    parents.push({ type: "Path", id: path.slice(0, end) });
  if (path !== "/") parents.push({ type: "Path", id: "/" });
  return parents;
}

function contextOf(request: PolicyRequest): Record<string, string | number | boolean> {
  const { act, data, now, lifecycle, label, machine, work } = request;
  return {
    act,
    class: request.class,
    data,
    now,
    hour: Number(attributes.hour?.(request)),
    weekday: Number(attributes.weekday?.(request)),
    lifecycle,
    ...(label === undefined ? {} : { label }),
    ...(machine === undefined ? {} : { machine }),
    ...(work === undefined ? {} : { work }),
  };
}

/** A request as Cedar takes it, but for the policies. */
export function callOf(request: PolicyRequest): Omit<StatefulAuthorizationCall, "preparsedPolicySetId"> {
  const { subject, role, path, act } = request;
  const principal = { type: "Subject", id: subject };
  const action = { type: "Action", id: act };
  const resource = { type: "Path", id: path };
  const depth = path === "/" ? 0 : path.split("/").length - 1;
  const entities: EntityJson[] = [
    { uid: principal, attrs: { subject, role }, parents: [{ type: "Role", id: role }] },
    { uid: resource, attrs: { path, depth }, parents: parentsOf(path) },
  ];
  if (act !== "write") entities.push({ uid: action, attrs: {}, parents: [{ type: "Action", id: "write" }] });
  return { principal, action, resource, context: contextOf(request), entities, validateRequest: false };
}

const text = { type: "String" } as const;
const number = { type: "Long" } as const;
const applies = {
  principalTypes: ["Subject"],
  resourceTypes: ["Path"],
  context: {
    type: "Record",
    attributes: {
      act: text,
      class: text,
      data: { type: "Boolean" },
      now: number,
      hour: number,
      weekday: number,
      lifecycle: text,
      label: { ...text, required: false },
      machine: { ...text, required: false },
      work: { ...text, required: false },
    },
  },
} as const satisfies SchemaJson<string>[string]["actions"][string]["appliesTo"];

/** The same schema as `schemaText`, in the form that Cedar reads without its grammar. */
export function schemaJson(acts: Iterable<string>): SchemaJson<string> {
  const names = [...new Set(acts)].filter((name) => name !== "write").sort();
  const within = { memberOf: [{ id: "write" }], appliesTo: applies };
  const path = { type: "Record", attributes: { path: text, depth: number } } as const;
  const subject = { type: "Record", attributes: { subject: text, role: text } } as const;
  return {
    "": {
      entityTypes: {
        Role: {},
        Subject: { memberOfTypes: ["Role"], shape: subject },
        Path: { memberOfTypes: ["Path"], shape: path },
      },
      actions: { write: { appliesTo: applies }, ...Object.fromEntries(names.map((name) => [name, within])) },
    },
  };
}

/** The Cedar schema of these requests: every act is an action within `write`. */
export function schemaText(acts: Iterable<string>): string {
  const names = [...new Set(acts)].filter((name) => name !== "write").sort();
  const listed = names.map((name) => JSON.stringify(name)).join(", ");
  const applies = "appliesTo { principal: [Subject], resource: [Path], context: Context }";
  return `// Who asks: the subject of a ticket, in its role.
entity Role;
entity Subject in [Role] { subject: String, role: String };
// The file that is written, in the directories above it.
entity Path in [Path] { path: String, depth: Long };
type Context = {
  act: String, class: String, data: Bool,
  // Milliseconds since 1970; hour of the day and day of the week (Monday is 1) in UTC.
  now: Long, hour: Long, weekday: Long,
  lifecycle: String, label?: String, machine?: String, work?: String,
};
action "write" ${applies};
${listed === "" ? "" : `action ${listed} in ["write"] ${applies};\n`}`;
}
