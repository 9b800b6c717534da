import type { ControlNode, Undo } from "../namespace/node.ts";
import type { Place } from "../namespace/place.ts";
import { type Acting, actOf } from "./policy.ts";

/** A control where it hangs; names that a state gives stand as `<id>`. */
export interface PlacedControl {
  readonly path: string;
  readonly node: ControlNode;
}

/** What all controls of a tree do. */
export interface TreeActs {
  /** Names of acts, each once. */
  names(): readonly string[];
  controls(): readonly PlacedControl[];
  /** Class of an act at a path; what is not declared is irreversible. */
  describe(path: string, act: string): { readonly class: Undo; readonly data: boolean };
  /** What a journalled command did; undefined where no control is. */
  of(path: string, command: unknown): Acting | undefined;
}

function* controlsOf(place: Place, path: string, seen: Set<Place>): Generator<PlacedControl> {
  if (seen.has(place)) return;
  seen.add(place);
  const { node, child } = place;
  if (node.kind === "control" && place.facet === "plain") yield { path: path === "" ? "/" : path, node };
  for (const [name, entry] of place.entries) yield* controlsOf(entry, `${path}/${name}`, seen);
  if (node.kind === "each" && child) yield* controlsOf(child, `${path}/<${node.param}>`, seen);
}

function placeAt(tree: Place, path: string): Place | undefined {
  let place: Place | undefined = tree;
  for (const name of path.split("/").slice(1)) place = place?.entries.get(name) ?? place?.child;
  return place;
}

/** What the controls of a tree do, by name and by path. */
export function treeActs(tree: Place): TreeActs {
  const controls = [...controlsOf(tree, "", new Set())];
  const names = new Set(["write", "upload", ...controls.flatMap(({ node }) => Object.keys(node.acts ?? {}))]);
  const nodeAt = (path: string) => placeAt(tree, path)?.node;
  return {
    names: () => [...names],
    controls: () => controls,
    describe: (path, name) => {
      const node = nodeAt(path);
      if (node?.kind === "value") return { class: "reversible", data: false };
      if (node?.kind === "blob") return { class: "compensable", data: false };
      const act = node?.kind === "control" ? node.acts?.[name] : undefined;
      const whole = node?.kind === "control" && !node.acts ? node.undo : "irreversible";
      return { class: act?.class ?? whole, data: act?.data === true };
    },
    of: (path, command) => {
      const node = nodeAt(path);
      if (node?.kind === "blob") return { name: "upload", class: "compensable", data: false, act: undefined };
      return node?.kind === "control" || node?.kind === "value" ? actOf(node, command) : undefined;
    },
  };
}
