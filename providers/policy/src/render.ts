import type { Json } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import type { Need, Policy } from "@skep/policy";
import { countFor, startOf } from "./approvals.ts";
import type { Action, PolicySlice, Queued } from "./model.ts";
import { enrolmentOf } from "./signers.ts";

const shown = (text: string): string => escapeForeign(text, { form: "wire" });

function needText({ mode, approvals, role, ttl, by, self }: Need): string {
  const whose = self ? "signature" : `${approvals} ${by}${approvals === 1 ? "" : "s"}`;
  return ` mode=${mode} needs="${whose}${role === undefined ? "" : ` of ${role}`}" ttl_s=${ttl / 1000}`;
}

/** `/policy/rules`: one line for each rule. */
export function rulesText(policies: Iterable<Policy>, version: number): string {
  const lines = [...policies].map(({ id, file, line, effect, target, need, reason }) => {
    const parts = [
      `rule id=${id} target=${target ?? "*"} effect=${need ? "ask" : effect} at=${file}:${line}`,
      need ? needText(need) : "",
      reason === undefined ? "" : ` reason=${JSON.stringify(reason)}`,
    ];
    return `${shown(parts.join(""))}\n`;
  });
  return `version=${version}\n${lines.join("")}`;
}

/** The same for programs, with the texts. */
export function rulesJson(policies: Iterable<Policy>, version: number): Json {
  const rules = [...policies].map(({ id, file, line, effect, target, need, reason, text, reads }) => ({
    id,
    file,
    line,
    effect,
    target: target ?? null,
    need: need ? { ...need } : null,
    reason: reason ?? null,
    reads: [...reads],
    text,
  }));
  return { version, rules };
}

/** What lies in the queue, as the original tells it. */
export function requestJson({ queue }: PolicySlice): {
  readonly total: number;
  readonly queued: number;
  readonly consumed: number;
  readonly actions: { id: string; target: string; decision: string; state: string }[];
} {
  const all = [...queue.entries()].filter(([, { state }]) => state !== "expired");
  const count = (wanted: Queued["state"]) => all.filter(([, { state }]) => state === wanted).length;
  return {
    total: all.length,
    queued: count("queued"),
    consumed: count("consumed"),
    actions: all.map(([id, { target, decision, state }]) => ({
      id,
      target,
      decision: decision === "approve" ? "allow" : "deny",
      state,
    })),
  };
}

/** `/policy/preflight/req`. */
export function requestText(slice: PolicySlice): string {
  const { total, queued, consumed, actions } = requestJson(slice);
  const lines = actions.map(
    ({ id, target, decision, state }) =>
      `${shown(`req id=${id} target=${target} decision=${decision} state=${state}`)}\n`,
  );
  return `req total=${total} queued=${queued} consumed=${consumed}\n${lines.join("")}`;
}

function matches(pattern: string, path: string): boolean {
  const [wanted, names] = [pattern.split("/"), path.split("/")];
  return wanted.length === names.length && wanted.every((each, at) => each === "*" || each === names[at]);
}

/** What the rules ask for against what lies in the queue. */
export function differenceJson(
  slice: PolicySlice,
  policies: Iterable<Policy>,
): {
  readonly rules: number;
  readonly actions: number;
  readonly unmatched: number;
  readonly entries: { id: string; target: string; queued: number; consumed: number }[];
} {
  const asking = [...policies].filter(({ need }) => need?.mode === "present");
  const all = [...slice.queue.values()].filter(({ state }) => state !== "expired");
  const of = ({ id, target = "" }: Policy) => ({
    id,
    target,
    queued: all.filter((entry) => entry.state === "queued" && matches(target, entry.target)).length,
    consumed: all.filter(({ state, rule }) => state === "consumed" && rule === id).length,
  });
  const unmatched = all.filter((entry) => !asking.some(({ target = "" }) => matches(target, entry.target)));
  return { rules: asking.length, actions: all.length, unmatched: unmatched.length, entries: asking.map(of) };
}

/** `/policy/preflight/diff`. */
export function differenceText(slice: PolicySlice, policies: Iterable<Policy>): string {
  const { rules, actions, unmatched, entries } = differenceJson(slice, policies);
  const lines = entries.map(
    ({ id, target, queued, consumed }) =>
      `${shown(`rule id=${id} target=${target} queued=${queued} consumed=${consumed}`)}\n`,
  );
  return `diff rules=${rules} actions=${actions} unmatched=${unmatched}\n${lines.join("")}`;
}

function queuedJson(id: string, { target, decision, subject, at, expires, state, rule }: Queued): Json {
  return { id, kind: "queued", state, target, decision, by: subject, at, expires, rule: rule || null };
}

function actionJson(id: string, action: Action, { signers }: PolicySlice, now: number): Json {
  const {
    state,
    path,
    act,
    class: kind,
    subject,
    at,
    expires,
    line,
    approvals,
    comments,
    why,
    record,
  } = action;
  const enrolment = enrolmentOf(signers.get());
  return {
    id,
    kind: "action",
    state,
    path,
    act,
    class: kind,
    by: subject,
    at,
    expires,
    line,
    needs: action.needs.map((need) => ({
      rule: need.rule,
      approvals: need.approvals,
      role: need.role ?? null,
      by: need.by,
      self: need.self,
      have: countFor(action, need, enrolment, now),
    })),
    approvals: approvals.map(({ owners, role, at: when, signature }) => ({
      by: owners[0] ?? "",
      role,
      at: when,
      signed: signature !== "",
    })),
    comments,
    why: why || null,
    record,
  };
}

/** `/actions/<id>/status.json`. */
export function statusJson(slice: PolicySlice, id: string, now: number): Json {
  const entry = slice.queue.get(id);
  if (entry) return queuedJson(id, entry);
  const action = slice.actions.get(id);
  return action ? actionJson(id, action, slice, now) : null;
}

/** `/actions/<id>/status`. */
export function statusText(slice: PolicySlice, id: string, now: number, grace: number): string {
  const entry = slice.queue.get(id);
  if (entry)
    return `${shown(`state=${entry.state} id=${id} target=${entry.target} decision=${entry.decision}`)}\n`;
  const action = slice.actions.get(id);
  if (!action) return "";
  const { state, path, act, subject, needs, approvals, comments, why, record } = action;
  const enrolment = enrolmentOf(slice.signers.get());
  const lines = [
    `state=${state} id=${id} path=${path} act=${act} by=${subject}`,
    ...needs.map(
      (need) =>
        `need rule=${need.rule} have=${countFor(action, need, enrolment, now)} of=${need.approvals}` +
        `${need.role === undefined ? "" : ` role=${need.role}`} by=${need.by}`,
    ),
    ...approvals.map(({ owners, at }) => `approved by=${owners[0] ?? ""} at_ms=${at}`),
    ...comments.map(({ by, text }) => `comment by=${by} ${text}`),
    ...(slice.ready.has(id)
      ? [`starts_ms=${startOf(action, slice.ready.get(id) ?? now, grace)} until then: skep reject ${id}`]
      : []),
    ...(why === "" ? [] : [`why ${why}`]),
    ...(record === null ? [] : [`record=${record}`]),
  ];
  return lines.map((line) => `${shown(line)}\n`).join("");
}
