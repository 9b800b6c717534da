import type { PolicyJson, Schema } from "@cedar-policy/cedar-wasm/nodejs";
import { cedar } from "./cedar.ts";
import { instantsOf } from "./instants.ts";
import { type Need, needOf, wrongAnnotations } from "./need.ts";
import { placeOf, type Problem, problemOf } from "./positions.ts";
import { readsOf } from "./reads.ts";
import { schemaJson } from "./request.ts";

/** The texts of a policy set by file name: `x.cedar`, `x.cedarschema`, `x.test.json`. */
export type PolicyFiles = Readonly<Record<string, string>>;

/** One policy of a set. */
export interface Policy {
  /** Its `@id`, or where it stands: `site.cedar:3`. */
  readonly id: string;
  readonly file: string;
  readonly line: number;
  readonly effect: "permit" | "forbid";
  /** What an operator wrote why, in `@reason`. */
  readonly reason?: string;
  readonly need?: Need;
  readonly text: string;
  /** The one path, or pattern of paths, that it names; undefined when it names none. */
  readonly target?: string;
  /** Attributes of a request that matter to it. */
  readonly reads: ReadonlySet<string>;
  /** Instants that it compares the time with, where it does no more with it; undefined where it does. */
  readonly instants?: readonly number[];
}

interface Part {
  readonly file: { readonly name: string; readonly text: string };
  readonly text: string;
  readonly offset: number;
}

/** A set as it was read, and everything that is wrong with it. */
export interface Loaded {
  readonly policies: readonly Policy[];
  readonly problems: readonly Problem[];
}

// Cedar gives a file's policies sorted by names that it made up; where each stands is found by its text.
function partsOf(file: Part["file"], policies: readonly string[]): Part[] {
  const taken = new Map<string, number>();
  const parts = policies.map((text) => {
    const from = taken.get(text) ?? 0;
    const offset = Math.max(0, file.text.indexOf(text, from));
    taken.set(text, offset + text.length);
    return { file, text, offset };
  });
  return parts.sort((a, b) => a.offset - b.offset);
}

function split(name: string, text: string, problems: Problem[]): Part[] {
  const file = { name, text };
  const whole = { text, offset: 0 };
  const answer = cedar().policySetTextToParts(text);
  if (answer.type === "failure") {
    const checked = cedar().checkParsePolicySet({ staticPolicies: text });
    const errors = checked.type === "failure" ? checked.errors : answer.errors;
    problems.push(...errors.map((error) => problemOf(error, file, whole)));
    return [];
  }
  for (const template of answer.policy_templates)
    problems.push({
      file: name,
      ...placeOf(text, Math.max(0, text.indexOf(template))),
      message: "a template has nothing that fills it",
      cure: "write a policy without ?principal and ?resource",
    });
  return partsOf(file, answer.policies);
}

function policyOf(part: Part, json: PolicyJson, problems: Problem[]): Policy {
  const { file, text, offset } = part;
  const annotations = (json.annotations ?? {}) as Readonly<Record<string, string>>;
  const { line } = placeOf(file.text, offset);
  for (const [name, message, cure] of wrongAnnotations(annotations, json.effect)) {
    const at = Math.max(0, text.search(new RegExp(`@${name}\\b`)));
    problems.push({ file: file.name, ...placeOf(file.text, offset + at), message, cure });
  }
  const id = annotations.id ?? `${file.name}:${line}`;
  const target = /\bresource (?:==|in) Path::"([^"]*)"|\bresource\.path like "([^"]*)"/.exec(text);
  const named = target?.[1] ?? target?.[2];
  const instants = instantsOf(json);
  const need = json.effect === "forbid" ? needOf(id, annotations) : undefined;
  return {
    id,
    file: file.name,
    line,
    effect: json.effect,
    ...(annotations.reason === undefined ? {} : { reason: annotations.reason }),
    ...(need && { need }),
    ...(named === undefined ? {} : { target: named }),
    text,
    reads: readsOf(json),
    ...(instants && { instants }),
  };
}

function validate(
  policies: ReadonlyMap<string, Part>,
  schema: Schema,
  file: Part["file"],
  problems: Problem[],
): void {
  const staticPolicies = Object.fromEntries([...policies].map(([id, { text }]) => [id, text]));
  const answer = cedar().validate({ schema, policies: { staticPolicies } });
  if (answer.type === "failure") {
    problems.push(...answer.errors.map((error) => problemOf(error, file, { text: file.text, offset: 0 })));
    return;
  }
  const seen = new Set<string>();
  for (const { policyId, error } of answer.validationErrors) {
    const part = policies.get(policyId);
    if (!part) continue;
    const problem = problemOf(error, part.file, part);
    // Said once for each act that a policy is about: once is enough.
    const { line, column } = problem;
    const key = `${problem.file}:${line}:${column}`;
    if (seen.has(key)) continue;
    seen.add(key);
    problems.push(problem);
  }
}

function strange(name: string): Problem | undefined {
  if (/^[\w.-]{1,64}\.(cedar|cedarschema|test\.json)$/.test(name)) return undefined;
  const cure = "name it x.cedar, x.cedarschema or x.test.json";
  return { file: name, line: 1, column: 1, message: "a file of this name is no part of a policy set", cure };
}

class Loading {
  readonly problems: Problem[] = [];
  readonly policies: Policy[] = [];
  readonly parts = new Map<string, Part>();

  #add(part: Part): void {
    const answer = cedar().policyToJson(part.text);
    if (answer.type === "failure") {
      this.problems.push(...answer.errors.map((error) => problemOf(error, part.file, part)));
      return;
    }
    const policy = policyOf(part, answer.json, this.problems);
    if (this.parts.has(policy.id))
      this.problems.push({
        ...placeOf(part.file.text, part.offset),
        file: part.file.name,
        message: `two policies are named "${policy.id}"`,
        cure: "give one of them another @id",
      });
    this.parts.set(policy.id, part);
    this.policies.push(policy);
  }

  file(name: string, text: string): void {
    const odd = strange(name);
    if (odd) this.problems.push(odd);
    else if (name.endsWith(".cedar")) for (const part of split(name, text, this.problems)) this.#add(part);
  }
}

/** Reads the Cedar texts of a set that was checked before: faster than to check it again. */
export function readPolicies(files: PolicyFiles): readonly Policy[] {
  const loading = new Loading();
  for (const [name, text] of Object.entries(files)) loading.file(name, text);
  return loading.policies;
}

/** Reads and validates the Cedar texts of a set; `acts` are the acts that this hive's controls know. */
export function loadPolicies(files: PolicyFiles, acts: Iterable<string>): Loaded {
  const loading = new Loading();
  const { parts, policies, problems } = loading;
  for (const [name, text] of Object.entries(files)) loading.file(name, text);
  validate(parts, schemaJson(acts), { name: "schema", text: "" }, problems);
  for (const [name, text] of Object.entries(files))
    if (name.endsWith(".cedarschema")) validate(parts, text, { name, text }, problems);
  return { policies, problems };
}
