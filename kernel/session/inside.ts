import type { Scene } from "../namespace/node.ts";
import { join } from "../namespace/path.ts";
import { below, type Found } from "../namespace/place.ts";

// The other names of a file are walked to and not listed: they would double what a client has to look at.
function* declared({ place, path, params }: Found): Generator<Found> {
  for (const [name, entry] of place.entries)
    if (entry.facet === "plain") yield { place: entry, path: join(path, name), params };
}

function* each<T>(first: Iterable<Found>, more: Iterable<T>, at: (one: T) => Found): Generator<Found> {
  yield* first;
  for (const one of more) yield at(one);
}

/** What hangs in a directory, lazily: declared entries first, then what its node lists, or that in brief. */
export async function inside(found: Found, scene: Scene, brief = false): Promise<Iterable<Found>> {
  const { path, params } = found;
  const { node, child } = found.place;
  const asked = scene as Scene<never, never>;
  if (node.kind === "each" && child)
    return each(declared(found), await ((brief && node.brief) || node.list)(asked), (name) => ({
      place: child,
      path: join(path, name),
      params: { ...params, [node.param]: name },
    }));
  if (node.kind === "subtree")
    return each(declared(found), await node.list(asked), ({ name, kind }) => below(found, node, name, kind));
  return declared(found);
}
