import { type Fault, toFault } from "@skep/fault";
import { parseTilePath, type TileId } from "@skep/tlog";
import { fault } from "./faults.ts";
import type { LogPort } from "./port.ts";

/** What is answered to one request, before compression. */
export interface Page {
  readonly status: number;
  readonly type: string;
  readonly cache: string;
  readonly body: Uint8Array;
  /** Worth compressing: bundles of entries. */
  readonly zip?: boolean;
}

const text = "text/plain; charset=utf-8";
const bytes = "application/octet-stream";
const never = "no-store";
// A tile of a width never changes, partial or not (C2SP tlog-tiles, "this endpoint is immutable").
const forever = "public, max-age=31536000, immutable";

function tileOf(path: string): TileId | undefined {
  try {
    return parseTilePath(path.slice(1));
  } catch {
    return undefined;
  }
}

/** The page at a path; throws the fault of whatever is not there. */
export async function pageAt(port: LogPort, path: string): Promise<Page> {
  if (path === "/healthz") {
    const health = await port.health();
    const body = Buffer.from(`${JSON.stringify(health)}\n`);
    return { status: health.status === "ok" ? 200 : 503, type: "application/json", cache: never, body };
  }
  if (path === "/checkpoint")
    return { status: 200, type: text, cache: "no-cache", body: await port.checkpoint() };
  const id = tileOf(path);
  if (!id) throw fault.absent(path);
  const body = await port.tile(id);
  return { status: 200, type: bytes, cache: forever, body, zip: id.level === "entries" };
}

/** A refusal as a page; what is internal says no more than that. */
export function refusalPage(thrown: unknown): { readonly page: Page; readonly fault: Fault } {
  const found = toFault(thrown);
  const body = Buffer.from(`${found.code}: ${found.message}\n`);
  return { page: { status: found.row.http, type: text, cache: never, body }, fault: found };
}
