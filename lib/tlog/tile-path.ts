import { decodeDecimal } from "./encoding.ts";
import { fault } from "./faults.ts";
import { checkSize, hashSize } from "./hash.ts";

/** Hashes of a full tile, entries of a full bundle. */
export const tileWidth = 256;

/** Which tile: level 0 to 63 of hashes, or `entries` for a bundle; `width` 1 to 256, less than 256 when partial. */
export interface TileId {
  readonly level: number | "entries";
  readonly index: number;
  readonly width: number;
}

/** Full and partial tiles that one level of a tree has; `partial` is the width of the last one, 0 for none. */
export interface TileShape {
  readonly level: number;
  readonly full: number;
  readonly partial: number;
}

function checkId({ level, index, width }: TileId): void {
  const goodLevel = level === "entries" || (Number.isInteger(level) && level >= 0 && level <= 63);
  const goodWidth = Number.isInteger(width) && width >= 1 && width <= tileWidth;
  if (!goodLevel || !goodWidth || !Number.isSafeInteger(index) || index < 0)
    throw fault.tilePath(`${level}/${index}.p/${width}`);
}

/** Path below the log's prefix, C2SP tlog-tiles: `tile/<level>/<index>[.p/<width>]`. */
export function tilePath(id: TileId): string {
  checkId(id);
  const digits = String(id.index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, "0").match(/.{3}/g) ?? [];
  const path = groups.map((group, at) => (at < groups.length - 1 ? `x${group}` : group)).join("/");
  return `tile/${id.level}/${path}${id.width === tileWidth ? "" : `.p/${id.width}`}`;
}

/** Reads a path that `tilePath` could have made; throws `tlog.tilePath` on any other. */
export function parseTilePath(path: string): TileId {
  const found = /^tile\/(entries|[0-9]{1,2})\/((?:x[0-9]{3}\/)*[0-9]{3})(?:\.p\/([0-9]{1,3}))?$/.exec(path);
  if (!found) throw fault.tilePath(path);
  const [, level = "", groups = "", width] = found;
  const index = Number(groups.replaceAll(/[x/]/g, ""));
  const id: TileId = {
    level: level === "entries" ? level : (decodeDecimal(level) ?? Number.NaN),
    index,
    width: width === undefined ? tileWidth : (decodeDecimal(width) ?? Number.NaN),
  };
  // Only the canonical spelling: no extra leading group, no leading zeroes, no full tile written as partial.
  if (!Number.isSafeInteger(index) || tilePath(id) !== path) throw fault.tilePath(path);
  return id;
}

/** Tiles of a tree of `size` leaves, level by level; none for the empty tree. */
export function treeShape(size: number): TileShape[] {
  checkSize(size);
  const shapes: TileShape[] = [];
  for (let nodes = size, level = 0; nodes > 0; nodes = Math.floor(nodes / tileWidth), level += 1)
    shapes.push({ level, full: Math.floor(nodes / tileWidth), partial: nodes % tileWidth });
  return shapes;
}

/** Width that tile `index` of `level` has in a tree of `size` leaves: 0 (absent) to 256. */
export function tileWidthAt(size: number, level: number, index: number): number {
  const nodes = Math.floor(size / tileWidth ** level);
  return Math.max(0, Math.min(tileWidth, nodes - index * tileWidth));
}

/** The first `width` hashes of a tile that has at least as many; throws `tlog.tile` when it has not. */
export function narrowTile(data: Uint8Array, width: number): Uint8Array {
  if (data.length % hashSize !== 0 || data.length > tileWidth * hashSize || data.length < width * hashSize)
    throw fault.tile(`${data.length} bytes where ${width * hashSize} were due`);
  return data.subarray(0, width * hashSize);
}
