import { Fault } from "@skep/fault";

/** Deepest nesting that is written; a cycle is met here at the latest. */
export const maxDepth = 256;

const plainName = /^[A-Za-z_$][\w$]*$/;

function step(path: string, key: string | number): string {
  if (typeof key === "number") return `${path}[${key}]`;
  return plainName.test(key) ? `${path}.${key}` : `${path}[${JSON.stringify(key)}]`;
}

function shorten(path: string): string {
  return path.length > 200 ? `${path.slice(0, 100)}…${path.slice(-99)}` : path;
}

function refusal(path: string, what: string): Fault {
  return new Fault("invalid", "canon.value", `Cannot write canonical JSON: ${what} at ${shorten(path)}`);
}

type NumberText = (value: number) => string | undefined;

function explainLeaf(value: unknown, path: string, number: NumberText): Fault | undefined {
  if (typeof value === "string")
    return value.isWellFormed() ? undefined : refusal(path, "a lone surrogate stands");
  if (typeof value === "number")
    return number(value) === undefined ? refusal(path, `the number ${value} stands`) : undefined;
  if (typeof value === "boolean" || value === null) return undefined;
  return refusal(path, `${value === undefined ? "undefined" : `a ${typeof value}`} stands`);
}

function find(value: unknown, path: string, trail: object[], number: NumberText): Fault | undefined {
  if (typeof value !== "object" || value === null) return explainLeaf(value, path, number);
  if (trail.includes(value))
    return new Fault(
      "invalid",
      "canon.depth",
      `Cannot write canonical JSON: a cycle closes at ${shorten(path)}`,
    );
  if (trail.length >= maxDepth)
    return new Fault(
      "invalid",
      "canon.depth",
      `Cannot write canonical JSON: more than ${maxDepth} levels at ${shorten(path)}`,
    );
  const proto = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && proto !== Object.prototype && proto !== null)
    return refusal(path, "an object that is not plain stands");
  trail.push(value);
  const keys: Iterable<string | number> = Array.isArray(value) ? value.keys() : Object.keys(value);
  for (const key of keys) {
    const below = step(path, key);
    if (typeof key === "string" && !key.isWellFormed())
      return refusal(below, "a key with a lone surrogate stands");
    const found = find((value as Record<string | number, unknown>)[key], below, trail, number);
    if (found) return found;
  }
  trail.pop();
  return undefined;
}

/** Walks again what the fast path refused, and says which value it was and where. */
export function explain(value: unknown, number: NumberText): Fault {
  return find(value, "$", [], number) ?? refusal("$", "a value that changed while it was read stands");
}
