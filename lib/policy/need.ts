import { suggest } from "@skep/text";

/** What a rule asks for before it lets an act pass. */
export interface Need {
  /** Id of the policy that asks. */
  readonly rule: string;
  /** `wait`: the act is stored and runs once approved. `present`: it is refused until an approval lies in the queue. */
  readonly mode: "wait" | "present";
  /** How many people. */
  readonly approvals: number;
  /** Role that each of them must have; undefined for any. */
  readonly role?: string;
  /** How long an approval, and an act that waits, holds; milliseconds. */
  readonly ttl: number;
  /** Whose word counts: a signature by an enrolled key, or any ticket that may write the queue. */
  readonly by: "signer" | "ticket";
  /** Whether the requester's own signature counts. */
  readonly self: boolean;
}

const known = ["id", "reason", "mode", "approvals", "role", "ttl", "by", "signature"] as const;
const asking = ["mode", "approvals", "signature"] as const;
const belong = ["role", "ttl", "by"] as const;

const day = 86_400_000;
const units: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000, d: day };

type Annotations = Readonly<Record<string, string>>;

/** What is wrong with an annotation: its name, what is wrong, and the cure. */
export type Wrong = readonly [name: string, message: string, cure: string];

function durationOf(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  const ms = Number(number) * (units[unit] ?? Number.NaN);
  return ms >= 1000 && ms <= 31 * day ? ms : undefined;
}

function* wrongNames(annotations: Annotations, effect: string): Generator<Wrong> {
  for (const name of Object.keys(annotations)) {
    if ((known as readonly string[]).includes(name)) continue;
    const like = suggest(name, known)[0];
    yield [
      name,
      `unknown annotation @${name}`,
      like ? `did you mean @${like}?` : `known are @${known.join(", @")}`,
    ];
  }
  const asks = asking.filter((name) => name in annotations);
  const [first] = asks;
  if (first && effect === "permit")
    yield [first, `@${first} on a permit`, "put it on a forbid: that forbids until it is approved"];
  if (asks.length > 0) return;
  for (const name of belong)
    if (name in annotations)
      yield [name, `@${name} without approvals`, 'add @approvals("1") or @signature("operational")'];
}

function* wrongValues(annotations: Annotations): Generator<Wrong> {
  const { mode, approvals, ttl, by, role, signature, id } = annotations;
  if (mode !== undefined && mode !== "wait" && mode !== "present")
    yield ["mode", `unknown mode "${mode}"`, 'use "wait" or "present"'];
  if (approvals !== undefined && !/^([1-9]|1[0-6])$/.test(approvals))
    yield ["approvals", `@approvals("${approvals}") is no number from 1 to 16`, 'write @approvals("2")'];
  if (ttl !== undefined && durationOf(ttl) === undefined)
    yield ["ttl", `@ttl("${ttl}") is no time from 1s to 31d`, 'write @ttl("1h")'];
  if (by !== undefined && by !== "signer" && by !== "ticket")
    yield ["by", `unknown @by("${by}")`, 'use "signer" (a signature) or "ticket"'];
  for (const [name, value] of Object.entries({ role, signature, id }))
    if (value !== undefined && !/^[\w.-]{1,64}$/.test(value))
      yield [
        name,
        `@${name}("${value}") is no name`,
        "use letters, digits, dot, dash and underscore, at most 64",
      ];
}

function* wrongTogether({ mode, approvals, by, signature }: Annotations): Generator<Wrong> {
  if (mode === "present" && by !== "ticket")
    yield [
      "mode",
      '@mode("present") without @by("ticket")',
      "what a signature approves must be told first: that waits",
    ];
  if (signature !== undefined && (by === "ticket" || approvals !== undefined))
    yield ["signature", "@signature together with @approvals or @by", "write two rules"];
}

/** Everything wrong with the annotations of one policy. */
export function wrongAnnotations(annotations: Annotations, effect: string): Wrong[] {
  return [...wrongNames(annotations, effect), ...wrongValues(annotations), ...wrongTogether(annotations)];
}

/** What a checked policy asks for; undefined when it only permits or forbids. */
export function needOf(rule: string, annotations: Annotations): Need | undefined {
  if (!asking.some((name) => name in annotations)) return undefined;
  const { mode, approvals, ttl, by, role, signature } = annotations;
  const wanted = signature ?? role;
  return {
    rule,
    mode: mode === "present" ? "present" : "wait",
    approvals: Number(approvals ?? 1),
    ...(wanted === undefined ? {} : { role: wanted }),
    ttl: durationOf(ttl ?? "1d") ?? day,
    by: by === "ticket" ? "ticket" : "signer",
    self: signature !== undefined,
  };
}
