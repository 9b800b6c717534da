import type { Awaitable, Scene } from "../namespace/node.ts";
import { type Found, isDirectory, pathNumber, rightPath } from "../namespace/place.ts";
import type { StreamSource } from "../state/ring.ts";
import type { Identity, Stat } from "./handle.ts";
import { renderBytes, streamJson } from "./render.ts";
import type { View } from "./view.ts";

type Hidden = Scene<never, never>;

/** Bytes of a file, and the absolute end of a stream, which only grows. */
interface Extent {
  readonly size: number;
  readonly next?: number;
}

function then<T, U>(value: Awaitable<T>, act: (value: T) => U): Awaitable<U> {
  return value instanceof Promise ? value.then(act) : act(value);
}

function extentOf(session: View, found: Found): Awaitable<Extent> {
  const { node, facet } = found.place;
  const scene = session.scene(found) as Hidden;
  if (node.kind === "text" && facet === "plain" && node.size) return { size: node.size(scene) };
  if (node.kind === "text" || node.kind === "value")
    return then(renderBytes(session, found), ({ length }) => ({ size: length }));
  if (node.kind === "blob") return then(node.size(scene), (size) => ({ size: size ?? 0 }));
  if (node.kind !== "stream") return { size: 0 };
  return then(node.source(scene), (source) => ({
    size: streamSize(session, found, source),
    next: source.next,
  }));
}

function streamSize(session: View, found: Found, source: StreamSource): number {
  if (found.place.facet === "json") return Buffer.byteLength(streamJson(session, found, source));
  return source.next - (session.anchors.get(found.path)?.at ?? source.base);
}

function may({ authority }: View, found: Found, verb: "read" | "write"): boolean {
  const { right } = found.place.node;
  const path = rightPath(found);
  return (
    authority.allows(path, verb) !== undefined && (!right || authority.allows(path, right) !== undefined)
  );
}

// The answers of a control belong to whoever may write it.
function readable(session: View, found: Found): boolean {
  if (found.place.node.kind === "control") return session.authority.allows(found.path, "write") !== undefined;
  return may(session, found, "read");
}

function writable(session: View, found: Found): boolean {
  const { node, facet } = found.place;
  if (facet !== "plain" || node.kind === "text") return false;
  if (node.kind === "stream" && !node.append) return false;
  return may(session, found, "write");
}

/** What of a place never changes: its kind and number, and whether writes go to its end. */
export function identify(found: Found): Identity {
  const { place, path } = found;
  const { kind } = place.node;
  const isDir = isDirectory(found);
  return {
    kind: isDir ? "dir" : "file",
    number: pathNumber(path),
    append: place.facet !== "json" && !isDir && kind !== "text",
  };
}

function ownerOf(session: View, { place }: Found) {
  return session.kernel.slices.bound[place.owner];
}

interface Change {
  /** Grows when the file changes. */
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly time: number;
}

// What is not journalled shows figures of now; what uses views changes with the slices of others.
function changeOf(session: View, found: Found): Change {
  const { slices, time } = session.kernel;
  const { node } = found.place;
  const bound = ownerOf(session, found);
  const since = slices.kernel.lifecycle.get().since;
  const fixed = node.kind === "subtree" || (node.kind === "text" && node.fixed === true);
  if (!bound || fixed) return { version: 0, time: since };
  if (bound.provider.journalled === false) return { version: time.now(), time: time.now() };
  let { changed: version, changedAt } = bound;
  if (bound.provider.uses)
    for (const other of slices.bound) if (other.changed > version) ({ changed: version, changedAt } = other);
  return { version, time: changedAt || since };
}

/** Grows when the file changes; 0 for a stream that has to be opened to know. */
export function versionOf(session: View, found: Found): number {
  const { node } = found.place;
  if (node.kind !== "stream") return changeOf(session, found).version;
  const source = node.source(session.scene(found) as Hidden);
  return source instanceof Promise ? 0 : source.next;
}

/** A truthful stat: sizes are those of the bytes that an open would give. */
export function statNode(session: View, found: Found): Awaitable<Stat> {
  const { place, path } = found;
  const { node } = place;
  const identity = identify(found);
  const isDir = identity.kind === "dir";
  const change = changeOf(session, found);
  const make = ({ size, next }: Extent): Stat => ({
    ...identity,
    version: next ?? change.version,
    size,
    mtime:
      next === undefined
        ? change.time
        : session.kernel.rings.touched(path.replace(/\.(follow|json)$/, ""), next, undefined),
    readable: readable(session, found),
    writable: !isDir && writable(session, found),
    doc: node.doc,
  });
  const extent = isDir ? { size: 0 } : extentOf(session, found);
  return then(extent, make);
}
