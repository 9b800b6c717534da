import { type Palette, through, type Tone, toneOf } from "../palette.ts";
import type { HiveState } from "../state/hive.ts";
import type { Flight, Machine, MachineState, Pulse } from "../state/model.ts";
import { type Camera, detailAt, type Size, toView } from "./camera.ts";
import { type Layout, layoutOf } from "./layout.ts";

/** How a machine's cell is coloured. */
const faces: Readonly<Record<MachineState, keyof Palette>> = {
  unknown: "cellLine",
  ready: "honey",
  busy: "honey",
  frozen: "info",
  draining: "warn",
  away: "cell",
};

/** Everything that the stage draws of the machines, as numbers that lie side by side. */
export interface Cells {
  readonly layout: Layout;
  /** Index into `faces`. */
  readonly face: Uint8Array;
  /** 0 to 255: how bright it glows. */
  readonly glow: Uint8Array;
  /** Index into the classes: it decides how much of the cell is filled. */
  readonly size: Uint8Array;
}

/** The faces in their order. */
export const faceNames = Object.keys(faces) as readonly MachineState[];
const faceOf = new Map(faceNames.map((name, at) => [name, at]));

/** The colour of a face in a scheme. */
export function faceColour(face: number, palette: Palette): string {
  return palette[faces[faceNames[face] ?? "unknown"]];
}

/** How much of its colour a face has: those that wait for work are there, those that work shine. */
export function faceAlpha(face: number): number {
  return faceNames[face] === "ready" ? 0.5 : 1;
}

/** The colour of a cell as it is seen. */
export function cellColour(face: number, palette: Palette): string {
  return through(faceColour(face, palette), faceAlpha(face), palette.bg);
}

/** Percent of a cell that a class fills: what is one's own is whole, what is a stranger's is small. */
const fills: Readonly<Record<string, number>> = { owned: 94, borrowed: 87, rented: 80, volunteer: 73 };

/** A name that is written. */
export interface Label {
  readonly text: string;
  readonly small: string;
  readonly x: number;
  readonly y: number;
  readonly kind: "machine" | "site" | "hive";
  /** Face of the cell that it stands on. */
  readonly face?: number;
}

/** Something small that moves: place in units of the layout. */
export interface Mote {
  x: number;
  y: number;
  alpha: number;
  tone: Tone;
}

/** A ring that grows and fades. */
export interface Ring {
  x: number;
  y: number;
  radius: number;
  alpha: number;
  tone: Tone;
}

const flightTime = 1100;
const pulseTime = 1600;
const ease = (t: number): number => t * t * (3 - 2 * t);

/** The scene: pure data, computed from the state of the hive and the time. It keeps what did not change. */
export class Picture {
  readonly #state: HiveState;
  #cells: Cells;
  #membership = -1;
  /** Indices whose cell looks otherwise since the last take; all of them after a new layout. */
  readonly #fresh = new Set<number>();
  #isNew = true;

  constructor(state: HiveState) {
    this.#state = state;
    this.#cells = emptyCells(layoutOf([]));
  }

  get cells(): Cells {
    return this.#cells;
  }

  /** Brings the cells up to the state; a layout is made only where machines came, went or moved. */
  update(): Cells {
    const { machines, membership, touched } = this.#state;
    if (membership !== this.#membership) {
      this.#membership = membership;
      this.#cells = emptyCells(layoutOf(machines.values()));
      this.#isNew = true;
      for (const machine of machines.values()) this.#dress(machine);
    } else
      for (const id of touched) {
        const machine = machines.get(id);
        if (machine) this.#dress(machine);
      }
    touched.clear();
    return this.#cells;
  }

  #dress(machine: Machine): void {
    const { layout, face, glow, size } = this.#cells;
    const at = layout.index.get(machine.id);
    if (at === undefined) return;
    face[at] = faceOf.get(machine.state) ?? 0;
    glow[at] = Math.round(machine.load * 255);
    size[at] = fills[machine.class] ?? 94;
    this.#fresh.add(at);
  }

  /** What the stage has to draw anew: `all` after a new layout, else the cells that changed. */
  take(): "all" | readonly number[] {
    const fresh = this.#isNew ? "all" : [...this.#fresh];
    this.#isNew = false;
    this.#fresh.clear();
    return fresh;
  }

  #place(machine: string): { readonly x: number; readonly y: number } {
    const { layout } = this.#cells;
    const at = layout.index.get(machine);
    return at === undefined ? { x: 0, y: 0 } : { x: layout.x[at] ?? 0, y: layout.y[at] ?? 0 };
  }

  /** Work on its way at a moment; what arrived is forgotten. Writes into `out` and gives how many there are. */
  motes(now: number, out: Mote[]): number {
    const { flights } = this.#state;
    flights.drop(({ born }) => now - born > flightTime);
    let count = 0;
    for (const flight of flights.all) {
      const mote = out[count];
      if (!mote) break;
      this.#fly(flight, now, mote);
      count += 1;
    }
    return count;
  }

  #fly({ machine, kind, born }: Flight, now: number, mote: Mote): void {
    const t = Math.min(1, Math.max(0, (now - born) / flightTime));
    const way = ease(kind === "lease" ? t : 1 - t);
    const { x, y } = this.#place(machine);
    // A little to the side, so that what goes and what comes back do not meet.
    const bend = (kind === "lease" ? 0.12 : -0.12) * Math.sin(way * Math.PI);
    mote.x = x * way - y * bend;
    mote.y = y * way + x * bend;
    mote.alpha = t < 0.1 ? t * 10 : t > 0.85 ? (1 - t) / 0.15 : 1;
    mote.tone = kind === "lease" ? "honey" : kind === "done" ? "ok" : "bad";
  }

  /** Refusals at a moment, as rings. Writes into `out` and gives how many there are. */
  rings(now: number, out: Ring[]): number {
    const { pulses } = this.#state;
    pulses.drop(({ born }) => now - born > pulseTime);
    let count = 0;
    for (const pulse of pulses.all) {
      const ring = out[count];
      if (!ring) break;
      this.#beat(pulse, now, ring);
      count += 1;
    }
    return count;
  }

  #beat({ machine, reason, born }: Pulse, now: number, ring: Ring): void {
    const t = Math.min(1, Math.max(0, (now - born) / pulseTime));
    const { x, y } = this.#place(machine);
    ring.x = x;
    ring.y = y;
    ring.radius = 0.5 + 1.3 * Math.sqrt(t);
    ring.alpha = (1 - t) ** 1.5;
    ring.tone = toneOf[reason];
  }

  /** Names that have room in a view: of the hive and the sites, and of machines where they are large enough. */
  labels(camera: Camera, size: Size, most: number): readonly Label[] {
    const sites = this.#siteLabels(camera, size);
    return detailAt(camera.scale) === "names"
      ? [...sites, ...this.#machineLabels(camera, size, most)]
      : sites;
  }

  #siteLabels(camera: Camera, size: Size): Label[] {
    const { clusters } = this.#cells.layout;
    if (clusters.length <= 1 && !clusters[0]?.name) return [];
    return clusters.map(({ name, x, y, radius, count }) => ({
      text: name === "" ? "no site" : name,
      small: `${count} machine${count === 1 ? "" : "s"}`,
      ...toView(camera, x, y + radius, size),
      kind: "site",
    }));
  }

  #machineLabels(camera: Camera, size: Size, most: number): Label[] {
    const { layout, face } = this.#cells;
    const labels: Label[] = [];
    const isSeen = ({ x, y }: { x: number; y: number }) =>
      x > -40 && y > -40 && x < size.width + 40 && y < size.height + 40;
    for (let at = 0; at < layout.ids.length && labels.length < most; at += 1) {
      const id = layout.ids[at] ?? "";
      const spot = toView(camera, layout.x[at] ?? 0, layout.y[at] ?? 0, size);
      if (!isSeen(spot)) continue;
      labels.push({
        text: shortName(id, Math.floor(camera.scale / letter)),
        small: smallOf(this.#state.machines.get(id)),
        ...spot,
        kind: "machine",
        face: face[at] ?? 0,
      });
    }
    return labels;
  }
}

function smallOf(machine: Machine | undefined): string {
  if (!machine) return "";
  if (machine.state === "busy") return `${machine.running.size} of ${machine.slots}`;
  return machine.state;
}

/** Pixels of a letter of a name, what is left free at the sides of a cell included. */
const letter = 10;

function shortName(id: string, room: number): string {
  return id.length <= room ? id : `${id.slice(0, Math.max(4, room - 1))}…`;
}

function emptyCells(layout: Layout): Cells {
  const count = layout.ids.length;
  return { layout, face: new Uint8Array(count), glow: new Uint8Array(count), size: new Uint8Array(count) };
}
