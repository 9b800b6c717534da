/** What a layout is made of. */
export interface Member {
  readonly id: string;
  readonly site: string;
}

/** The machines of one site. */
export interface Cluster {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly count: number;
}

/** Where every machine stands, in units of the distance between two neighbours; the hive itself stands at 0, 0. */
export interface Layout {
  readonly ids: readonly string[];
  readonly index: ReadonlyMap<string, number>;
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly clusters: readonly Cluster[];
  /** The middle of everything, and how far it reaches from there. */
  readonly middle: { readonly x: number; readonly y: number };
  readonly radius: number;
}

const tall = Math.sqrt(3) / 2;
const steps = [
  [-1, 1],
  [-1, 0],
  [0, -1],
  [1, -1],
  [1, 0],
  [0, 1],
] as const;

/** Cells of a honeycomb from its middle outwards, ring by ring, `count` of them from ring `first` on. */
export function spiral(count: number, first = 0): { readonly x: number; readonly y: number }[] {
  const cells: { x: number; y: number }[] = [];
  for (let ring = first; cells.length < count; ring += 1) {
    if (ring === 0) {
      cells.push({ x: 0, y: 0 });
      continue;
    }
    let [q, r] = [ring, 0];
    for (const [dq, dr] of steps)
      for (let step = 0; step < ring && cells.length < count; step += 1) {
        cells.push({ x: q + r / 2, y: r * tall });
        q += dq;
        r += dr;
      }
  }
  return cells;
}

/** Rings that `count` cells need. */
export function ringsOf(count: number): number {
  return count <= 1 ? 0 : Math.ceil((-3 + Math.sqrt(9 + 12 * (count - 1))) / 6);
}

interface Spot {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

const gap = 1.4;

function isFree(spot: Spot, taken: readonly Spot[]): boolean {
  return taken.every(({ x, y, radius }) => Math.hypot(spot.x - x, spot.y - y) >= spot.radius + radius + gap);
}

/** A place for a circle as near to the middle as there is one. */
function placeFor(radius: number, taken: readonly Spot[], turn: number): Spot {
  for (let distance = radius + 2; ; distance += 0.8)
    for (let step = 0; step < 24; step += 1) {
      const angle = turn + (step * Math.PI) / 12;
      const spot = { x: Math.cos(angle) * distance, y: Math.sin(angle) * distance, radius };
      if (isFree(spot, taken)) return spot;
    }
}

/** Sets machines into honeycombs, one for each site, around the hive. Those that were there stay where they were. */
export function layoutOf(members: Iterable<Member>): Layout {
  const sites = new Map<string, string[]>();
  for (const { id, site } of members) {
    const ids = sites.get(site);
    if (ids) ids.push(id);
    else sites.set(site, [id]);
  }
  const groups = [...sites].sort((a, b) => b[1].length - a[1].length || (a[0] < b[0] ? -1 : 1));
  const total = groups.reduce((sum, [, ids]) => sum + ids.length, 0);
  const made = { ids: [] as string[], x: new Float32Array(total), y: new Float32Array(total) };
  const clusters: Cluster[] = [];
  const alone = groups.length === 1;
  const taken: Spot[] = [{ x: 0, y: 0, radius: 1 }];
  for (const [at, [name, ids]] of groups.entries()) {
    // A hive of one site has the hive in the middle of its comb.
    const radius = alone ? ringsOf(ids.length + 1) + 0.6 : ringsOf(ids.length) + 0.6;
    const spot = alone ? { x: 0, y: 0, radius } : placeFor(radius, taken, -Math.PI / 2 + at * 2.4);
    taken.push(spot);
    clusters.push({ name, x: spot.x, y: spot.y, radius, count: ids.length });
    for (const [cell, { x, y }] of spiral(ids.length, alone ? 1 : 0).entries()) {
      made.x[made.ids.length] = spot.x + x;
      made.y[made.ids.length] = spot.y + y;
      made.ids.push(ids[cell] ?? "");
    }
  }
  return {
    ...made,
    index: new Map(made.ids.map((id, at) => [id, at])),
    clusters,
    ...extentOf(made.x, made.y),
  };
}

/** The middle and the reach of all cells, that of the hive included. */
function extentOf(x: Float32Array, y: Float32Array): Pick<Layout, "middle" | "radius"> {
  let [left, right, top, bottom] = [0, 0, 0, 0];
  for (let at = 0; at < x.length; at += 1) {
    left = Math.min(left, x[at] ?? 0);
    right = Math.max(right, x[at] ?? 0);
    top = Math.min(top, y[at] ?? 0);
    bottom = Math.max(bottom, y[at] ?? 0);
  }
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  return { middle, radius: Math.max(1.6, Math.max(right - left, bottom - top) / 2 + 1) };
}

/** The machine nearest to a place, where one is within `within`; -1 where none is. */
export function nearest(layout: Layout, x: number, y: number, within = 0.6): number {
  let best = -1;
  let least = within * within;
  for (let at = 0; at < layout.ids.length; at += 1) {
    const dx = (layout.x[at] ?? 0) - x;
    const dy = (layout.y[at] ?? 0) - y;
    const far = dx * dx + dy * dy;
    if (far > least) continue;
    least = far;
    best = at;
  }
  return best;
}

/** The machine that is next in a direction from another one; `from` itself where there is none. */
export function neighbour(layout: Layout, from: number, dx: number, dy: number): number {
  const [x = 0, y = 0] = [layout.x[from], layout.y[from]];
  let best = from;
  let least = Number.POSITIVE_INFINITY;
  for (let at = 0; at < layout.ids.length; at += 1) {
    const along = ((layout.x[at] ?? 0) - x) * dx + ((layout.y[at] ?? 0) - y) * dy;
    const aside = Math.abs(((layout.x[at] ?? 0) - x) * dy - ((layout.y[at] ?? 0) - y) * dx);
    if (along < 0.3 || aside > along * 1.2) continue;
    const cost = along + 2 * aside;
    if (cost < least) [best, least] = [at, cost];
  }
  return best;
}
