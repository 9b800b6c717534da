import { printJson } from "@skep/text";
import type { Awaitable, Json, Scene, TextNode, ValueNode } from "../namespace/node.ts";
import type { Facet, Found } from "../namespace/place.ts";
import type { StreamSource } from "../state/ring.ts";
import { encodeCbor } from "./cbor.ts";
import { pieceOf } from "./pieces.ts";
import type { View } from "./view.ts";

type Hidden = Scene<never, never>;

function toBytes(text: string | Uint8Array): Uint8Array {
  return typeof text === "string" ? Buffer.from(text) : text;
}

function jsonBytes(value: Json): Uint8Array {
  return Buffer.from(`${printJson(value)}\n`);
}

function after<T>(value: Awaitable<T>, then: (value: T) => Uint8Array): Awaitable<Uint8Array> {
  return value instanceof Promise ? value.then(then) : then(value);
}

/** What `x.json` of a stream tells: offsets, and who was overtaken. */
export function streamJson(session: View, found: Found, source: StreamSource): string {
  const path = found.path.replace(/\.json$/, "");
  const { base, next, ended } = source;
  const overtaken = session.kernel.rings.overtaken.get(path) ?? { readers: 0, bytes: 0 };
  return `${JSON.stringify({ base, next, ended: ended ?? false, overtaken })}\n`;
}

/** The bytes of a text, of its twin, or of a value. */
export function renderNode(node: TextNode | ValueNode, facet: Facet, scene: Hidden): Awaitable<Uint8Array> {
  if (node.kind === "value") return toBytes(node.read(scene));
  if (facet === "json" && node.json) return after(node.json(scene), jsonBytes);
  if (facet === "cbor" && node.json) return after(node.json(scene), encodeCbor);
  return after(node.render(scene), toBytes);
}

/** Rows that are printed at once. */
const atOnce = 128;

// Ten thousand rows take longer than the loop may be held: others have their turn between two pieces.
async function printRows({ kernel }: View, rows: Iterable<Json>): Promise<Uint8Array> {
  let spent = pieceOf(kernel);
  const printed: Buffer[] = [];
  let some: Json[] = [];
  const print = () => {
    if (some.length > 0)
      printed.push(Buffer.from(`${printed.length > 0 ? "," : ""}${printJson(some).slice(1, -1)}`));
    some = [];
  };
  for (const row of rows) {
    some.push(row);
    if (some.length < atOnce) continue;
    print();
    const turn = spent();
    if (turn) {
      await turn;
      spent = pieceOf(kernel);
    }
  }
  print();
  return Buffer.concat([Buffer.from("["), ...printed, Buffer.from("]\n")]);
}

/** The bytes of a text or value node, or of a JSON twin. */
export function renderBytes(session: View, found: Found): Awaitable<Uint8Array> {
  const { node, facet } = found.place;
  const scene = session.scene(found) as Hidden;
  if (node.kind === "stream")
    return after(node.source(scene), (source) => Buffer.from(streamJson(session, found, source)));
  if (node.kind !== "text" && node.kind !== "value") return new Uint8Array(0);
  if (node.kind === "text" && node.rows && facet === "json") return printRows(session, node.rows(scene));
  return renderNode(node, facet, scene);
}
