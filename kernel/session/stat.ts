import type { Awaitable, Node, Scene } from "../namespace/node.ts";
import { type Found, pathNumber } from "../namespace/place.ts";
import type { StreamSource } from "../state/ring.ts";
import type { Stat } from "./handle.ts";
import { renderBytes, streamJson } from "./render.ts";
import type { View } from "./view.ts";

type Hidden = Scene<never, never>;

function sizeOf(session: View, found: Found): Awaitable<number> {
  const { node, facet } = found.place;
  const scene = session.scene(found) as Hidden;
  if (node.kind === "text" && facet === "plain" && node.size) return node.size(scene);
  if (node.kind === "text" || node.kind === "value") {
    const bytes = renderBytes(session, found);
    return bytes instanceof Promise ? bytes.then(({ length }) => length) : bytes.length;
  }
  if (node.kind === "blob") {
    const size = node.size(scene);
    return size instanceof Promise ? size.then((known) => known ?? 0) : (size ?? 0);
  }
  if (node.kind !== "stream") return 0;
  const source = node.source(scene);
  if (source instanceof Promise) return source.then((known) => streamSize(session, found, known));
  return streamSize(session, found, source);
}

function streamSize(session: View, found: Found, source: StreamSource): number {
  if (found.place.facet === "json") return Buffer.byteLength(streamJson(session, found, source));
  return source.next - (session.anchors.get(found.path)?.at ?? source.base);
}

function writable(session: View, { place, path }: Found): boolean {
  const { node, facet } = place;
  if (facet !== "plain" || node.kind === "text") return false;
  if (node.kind === "stream" && !node.append) return false;
  return session.authority.allows(path, "write") !== undefined;
}

function appends(node: Node): boolean {
  return node.kind !== "text" && node.kind !== "dir" && node.kind !== "each";
}

/** A truthful stat: sizes are those of the bytes that an open would give. */
export function statNode(session: View, found: Found): Awaitable<Stat> {
  const { place, path } = found;
  const { node } = place;
  const isDir = node.kind === "dir" || node.kind === "each";
  const size = isDir ? 0 : sizeOf(session, found);
  const bound = session.kernel.slices.bound[place.owner];
  const make = (bytes: number): Stat => ({
    kind: isDir ? "dir" : "file",
    number: pathNumber(path),
    version: node.kind === "stream" ? bytes : (bound?.changed ?? 0),
    size: bytes,
    mtime: session.kernel.rings.touched(path, bytes, node.kind === "stream" ? undefined : bound?.changedAt),
    readable: session.authority.allows(path, node.kind === "control" ? "write" : "read") !== undefined,
    writable: !isDir && writable(session, found),
    append: appends(node),
    doc: node.doc,
  });
  return size instanceof Promise ? size.then(make) : make(size);
}
