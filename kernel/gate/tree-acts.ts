import type { ControlNode, Undo, ValueNode } from "../namespace/node.ts";
import type { Place } from "../namespace/place.ts";
import { type Acting, actOf, valueAct } from "./policy.ts";

/** A control where it hangs; names that a state gives stand as `<id>`. */
export interface PlacedControl {
  readonly path: string;
  readonly node: ControlNode;
}

/** A value where it hangs. */
export interface PlacedValue {
  readonly path: string;
  readonly node: ValueNode;
}

/** What all controls of a tree do. */
export interface TreeActs {
  /** Names of acts, each once. */
  names(): readonly string[];
  controls(): readonly PlacedControl[];
  values(): readonly PlacedValue[];
  /** Class of an act at a path; what is not declared is irreversible. */
  describe(path: string, act: string): { readonly class: Undo; readonly data: boolean };
  /** What stands at a path, and what it is for; undefined where nothing is mounted. */
  what(path: string): { readonly kind: Place["node"]["kind"]; readonly doc: string } | undefined;
  /** What a journalled command did; undefined where no control is. */
  of(path: string, command: unknown): Acting | undefined;
}

function* writable(
  place: Place,
  path: string,
  seen: Set<Place>,
): Generator<{ readonly path: string; readonly node: ControlNode | ValueNode }> {
  if (seen.has(place)) return;
  seen.add(place);
  const { node, child } = place;
  if ((node.kind === "control" || node.kind === "value") && place.facet === "plain")
    yield { path: path === "" ? "/" : path, node };
  for (const [name, entry] of place.entries) yield* writable(entry, `${path}/${name}`, seen);
  if (node.kind === "each" && child) yield* writable(child, `${path}/<${node.param}>`, seen);
}

function placeAt(tree: Place, path: string): Place | undefined {
  let place: Place | undefined = tree;
  for (const name of path.split("/").slice(1)) place = place?.entries.get(name) ?? place?.child;
  return place;
}

/** What the controls of a tree do, by name and by path. */
export function treeActs(tree: Place): TreeActs {
  const all = [...writable(tree, "", new Set())];
  const controls = all.flatMap(({ path, node }) => (node.kind === "control" ? [{ path, node }] : []));
  const values = all.flatMap(({ path, node }) => (node.kind === "value" ? [{ path, node }] : []));
  const names = new Set(["write", "upload", ...controls.flatMap(({ node }) => Object.keys(node.acts ?? {}))]);
  const nodeAt = (path: string) => placeAt(tree, path)?.node;
  return {
    names: () => [...names],
    controls: () => controls,
    values: () => values,
    describe: (path, name) => {
      const node = nodeAt(path);
      if (node?.kind === "value") return { class: valueAct(node).class, data: false };
      if (node?.kind === "blob") return { class: "compensable", data: false };
      const act = node?.kind === "control" ? node.acts?.[name] : undefined;
      const whole = node?.kind === "control" && !node.acts ? node.undo : "irreversible";
      return { class: act?.class ?? whole, data: act?.data === true };
    },
    what: (path) => nodeAt(path),
    of: (path, command) => {
      const node = nodeAt(path);
      if (node?.kind === "blob") return { name: "upload", class: "compensable", data: false, act: undefined };
      return node?.kind === "control" || node?.kind === "value" ? actOf(node, command) : undefined;
    },
  };
}
