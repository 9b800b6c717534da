import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";
import { attributes } from "./request.ts";

const everything = Object.keys(attributes);
const ofVar: Readonly<Record<string, readonly string[]>> = {
  principal: ["subject", "role"],
  action: ["act"],
  resource: ["path"],
  context: everything,
};

function attributeOf(name: string, attribute: string): readonly string[] {
  if (name === "resource") return ["path"];
  return attribute in attributes ? [attribute] : (ofVar[name] ?? everything);
}

function varOf(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || !("Var" in value)) return undefined;
  return String(value.Var);
}

function isRole(value: unknown): boolean {
  const text = JSON.stringify(value ?? null);
  return text.includes('"type":"Role"') && !text.includes('"type":"Subject"');
}

type Members = Readonly<Record<string, unknown>>;

/** An operator that says more about what it reads than its operands do. */
function special(key: string, at: Members): readonly string[] | undefined {
  const name = varOf(at.left);
  if (name === undefined) return undefined;
  // `has` with a path of several attributes names the first of them.
  const attr = Array.isArray(at.attr) ? at.attr[0] : at.attr;
  if ((key === "." || key === "has") && typeof attr === "string") return attributeOf(name, attr);
  return key === "in" && name === "principal" && isRole(at.right) ? ["role"] : undefined;
}

function walk(value: unknown, found: Set<string>): void {
  if (typeof value !== "object" || value === null) return;
  const name = varOf(value);
  if (name !== undefined) add(found, ofVar[name] ?? everything);
  for (const [key, below] of Object.entries(value)) {
    const known = typeof below === "object" && below !== null ? special(key, below as Members) : undefined;
    if (known) add(found, known);
    else walk(below, found);
  }
}

function add(found: Set<string>, names: readonly string[]): void {
  for (const name of names) found.add(name);
}

function ofPrincipal(principal: PolicyJson["principal"]): readonly string[] {
  const open = principal.op === "All" || (principal.op === "is" && !("in" in principal));
  if (open) return [];
  return principal.op === "in" && isRole(principal) ? ["role"] : (ofVar.principal ?? []);
}

/** The attributes of a request that can matter to a policy. */
export function readsOf({ principal, action, resource, conditions }: PolicyJson): ReadonlySet<string> {
  const found = new Set(ofPrincipal(principal));
  if (action.op !== "All") found.add("act");
  if (resource.op !== "All") found.add("path");
  for (const { body } of conditions) walk(body, found);
  return found;
}
