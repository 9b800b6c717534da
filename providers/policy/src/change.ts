import type { Deciding, Decision, KernelSlice, TreeActs } from "@skep/kernel";
import { checkSet, type Describe, type PolicyFiles, type PolicyRequest, PolicySet } from "@skep/policy";
import type { PolicyCommand } from "./command.ts";
import type { Engine } from "./engine.ts";
import { fault } from "./faults.ts";
import { retained, witnessed } from "./governed.ts";
import { emit, type Enrolled, type PolicySlice } from "./model.ts";
import { Enrolment, enrolmentOf } from "./signers.ts";
import { mostSet, sizeOf } from "./size.ts";

/** What the tree's controls do: names of acts, and the class of each. */
export type Acts = Pick<TreeActs, "names" | "describe">;

/** Views of other slices. */
export interface Uses {
  readonly kernel: KernelSlice;
}

export type At = Deciding<PolicySlice, Uses>;

const KiB = 1024;
const mostStaged = 256 * KiB;
const keepStaged = 86_400_000;

/** The acts without which nobody can change by what the hive is judged. */
const vital = ["apply", "signers"] as const;

/** What a set is asked about before it counts: whether this caller could change it again. */
export function wayOf({ caller, now }: Pick<At, "caller" | "now">, describe: Describe): PolicyRequest[] {
  const { subject, role } = caller;
  const path = "/policy/ctl";
  return vital.map((act) => ({
    subject,
    role,
    path,
    act,
    ...describe(path, act),
    now,
    lifecycle: "ONLINE",
  }));
}

/** Throws `policy.locked` when under `set` and `enrolment` this caller could not change them again. */
function checkWay(
  set: PolicySet | undefined,
  enrolment: Enrolment | undefined,
  at: At,
  describe: Describe,
): void {
  if (!set) return;
  for (const asked of wayOf(at, describe)) {
    const { subject, act } = asked;
    const { decision, needs, rules } = set.decide(asked);
    if (decision === "deny") throw fault.locked(`${act}: ${rules.join(", ") || "nothing permits it"}`);
    for (const need of needs) {
      if (need.by === "ticket") continue;
      const able = (enrolment?.owners("operational") ?? []).filter(
        (owner) =>
          (need.self || !(owner === subject || owner === subject.split("/", 1)[0])) &&
          (need.role === undefined || enrolment?.hasRole([owner], need.role)),
      );
      if (able.length < need.approvals)
        throw fault.locked(
          `${act}: ${need.rule} asks for ${need.approvals} who can sign, there are ${able.length}`,
        );
    }
  }
}

/** Checks a set whole: texts, cases, and that it leaves a way to change it. Throws `policy.invalid`, `.locked`, `.large`. */
function check(files: PolicyFiles, at: At, acts: Acts, engine: Engine): void {
  if (sizeOf(files) > mostSet) throw fault.large(`${sizeOf(files)} bytes`);
  const { checked, set } = engine.ready(files, () => {
    const told = checkSet(files, acts);
    return { checked: told, set: told.problems.length > 0 ? undefined : new PolicySet(told.policies) };
  });
  const [first] = checked.problems;
  if (first || !set) {
    const { file = "", line = 0, column = 0, message = "", cure = "" } = first ?? {};
    const others = checked.problems.length - 1;
    const more = others > 0 ? `; ${others} more: \`skep policy check\` shows all` : "";
    throw fault.invalid(`${file}:${line}:${column}: ${message}`, { cure: `${cure}${more}` });
  }
  checkWay(set, enrolmentOf(at.state.signers.get()), at, acts.describe);
}

function stage(
  { file, at: offset, text }: Extract<PolicyCommand, { op: "stage" }>,
  { state, caller }: At,
): Decision {
  const name = `${caller.subject}\n${file}`;
  const before = state.staged.get(name)?.text ?? "";
  if (offset !== 0 && offset !== before.length) throw fault.offset(`${file} has ${before.length} characters`);
  let size = offset + text.length;
  for (const [other, { text: held }] of state.staged.entries()) if (other !== name) size += held.length;
  if (size > mostStaged || (state.staged.size >= 64 && !state.staged.has(name))) throw fault.stage(file);
  return {
    events: [emit("staged@1", { file, at: offset, text })],
    result: { file, characters: offset + text.length },
  };
}

function filesOf(
  { files, staged = [] }: Extract<PolicyCommand, { op: "apply" }>,
  { state, caller }: Pick<At, "state" | "caller">,
): PolicyFiles {
  const all: Record<string, string> = { ...files };
  for (const file of staged) {
    const held = state.staged.get(`${caller.subject}\n${file}`);
    if (!held) throw fault.staged(file);
    all[file] = held.text;
  }
  return all;
}

function nextVersion({ force }: PolicySlice): number {
  return (force.get()?.version ?? 0) + 1;
}

function apply(
  command: Extract<PolicyCommand, { op: "apply" }>,
  at: At,
  acts: Acts,
  engine: Engine,
): Decision {
  const whole = filesOf(command, at);
  check(whole, at, acts, engine);
  const version = nextVersion(at.state);
  const { files = null, staged = [] } = command;
  return { events: [emit("applied@1", { version, files, staged, from: 0 })], result: { version } };
}

/** The texts of an earlier version; version 0 has none. Throws `policy.none`, `.version`. */
function earlier({ state }: Pick<At, "state">, wanted: number | undefined): [number, PolicyFiles] {
  const now = state.force.get()?.version ?? 0;
  const from = wanted ?? now - 1;
  if (from < 0 || now === 0) throw fault.none();
  if (from === 0) return [0, {}];
  const held = state.versions.get(String(from));
  if (!held) throw fault.version(from);
  return [from, held.files];
}

function rollback(wanted: number | undefined, at: At, acts: Acts, engine: Engine): Decision {
  const [from, files] = earlier(at, wanted);
  // Without rules everything is as before the first: nobody is locked out.
  if (Object.keys(files).length > 0) check(files, at, acts, engine);
  const version = nextVersion(at.state);
  return { events: [emit("rolled-back@1", { version, from })], result: { version, from } };
}

/** The texts that a command would put in force; undefined where it is no such command, or is refused anyway. */
export function textsOf(command: PolicyCommand, at: Pick<At, "state" | "caller">): PolicyFiles | undefined {
  try {
    if (command.op === "apply") return filesOf(command, at);
    return command.op === "rollback" ? earlier(at, command.version)[1] : undefined;
  } catch {
    return undefined;
  }
}

function enrol(told: Omit<Enrolled, "version">, at: At, acts: Acts, set: PolicySet | undefined): Decision {
  const { allowed, roles, groups, revoked = "" } = told;
  const enrolment = Enrolment.parse(told);
  const owners = enrolment.owners("operational");
  if (owners.length === 0) throw fault.noSigner("no owner with a key and the role operational");
  checkWay(set, enrolment, at, acts.describe);
  const version = (at.state.signers.get()?.version ?? 0) + 1;
  return {
    events: [emit("enrolled@1", { version, allowed, roles, groups, ...(revoked === "" ? {} : { revoked }) })],
    result: { version, owners },
  };
}

/** Decides one line of `/policy/ctl`. */
export function decideChange(command: PolicyCommand, at: At, acts: Acts, engine: Engine): Decision {
  if (command.op === "stage") return stage(command, at);
  if (command.op === "apply") return apply(command, at, acts, engine);
  if (command.op === "rollback") return rollback(command.version, at, acts, engine);
  if (command.op === "retention") return retained(command);
  if (command.op === "witnesses") return witnessed(command.policy);
  const { allowed, roles, groups, revoked } = command;
  return enrol({ allowed, roles, groups, revoked }, at, acts, engine.set);
}

/** What was staged so long ago that nobody will apply it. */
export function forgotten({ staged }: PolicySlice, now: number): readonly string[] {
  return [...staged.entries()].filter(([, { at }]) => at + keepStaged <= now).map(([name]) => name);
}

/** When the next of it is due. */
export function nextForgotten({ staged }: PolicySlice): number | undefined {
  const times = [...staged.values()].map(({ at }) => at + keepStaged);
  return times.length === 0 ? undefined : Math.min(...times);
}
