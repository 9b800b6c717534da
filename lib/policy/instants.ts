import type { PolicyJson } from "@cedar-policy/cedar-wasm/nodejs";

const comparisons = new Set(["<", "<=", ">", ">=", "==", "!="]);

type Members = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Members => typeof value === "object" && value !== null;

function isContext(value: unknown): boolean {
  return isObject(value) && value.Var === "context";
}

function isNow(value: unknown): boolean {
  if (!isObject(value) || !isObject(value["."])) return false;
  const { left, attr } = value["."];
  return isContext(left) && attr === "now";
}

function constantOf(value: unknown): number | undefined {
  const found = isObject(value) ? value.Value : undefined;
  return Number.isSafeInteger(found) ? (found as number) : undefined;
}

/** The constant that a comparison holds the time against; undefined where this is no such comparison. */
function comparedWith(key: string, value: unknown): number | undefined {
  if (!comparisons.has(key) || !isObject(value)) return undefined;
  if (isNow(value.left)) return constantOf(value.right);
  return isNow(value.right) ? constantOf(value.left) : undefined;
}

function walk(value: unknown, found: number[]): boolean {
  if (!isObject(value)) return true;
  // The whole context, or the time in any other place: what it comes to may change every millisecond.
  if (isContext(value) || isNow(value)) return false;
  return Object.entries(value).every(([key, below]) => {
    const constant = comparedWith(key, below);
    if (constant !== undefined) {
      found.push(constant);
      return true;
    }
    const member = (key === "." || key === "has") && isObject(below) && isContext(below.left);
    return member || walk(below, found);
  });
}

/**
 * The instants, milliseconds since 1970, at which what a policy says may change, where it does nothing with the time but
 * compare it with constants; undefined where it does more.
 */
export function instantsOf({ conditions }: PolicyJson): readonly number[] | undefined {
  const found: number[] = [];
  return conditions.every(({ body }) => walk(body, found)) ? found : undefined;
}

/** Which of the stretches between instants, or which instant itself, a time is; `instants` ascend. */
export function stretchOf(instants: readonly number[], now: number): number {
  let [low, high] = [0, instants.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((instants[middle] ?? 0) < now) low = middle + 1;
    else high = middle;
  }
  return low * 2 + (instants[low] === now ? 1 : 0);
}
