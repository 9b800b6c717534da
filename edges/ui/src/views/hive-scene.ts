import { type Camera, fit, pan, type Size, toWorld, zoomAt } from "../scene/camera.ts";
import { nearest, neighbour } from "../scene/layout.ts";
import { Picture } from "../scene/picture.ts";
import type { Stage } from "../stage/stage.ts";
import type { HiveState } from "../state/hive.ts";
import { isStill, paletteNow, watchTheme } from "../theme.ts";

/** How many frames a second are tried for, from best to least: what a machine cannot keep up with is given up. */
const paces = [60, 30, 15, 8] as const;
/** Milliseconds of a frame's own work above which the next slower pace is taken. */
const tooMuch = 14;

/** What a frame cost, for whoever measures. */
export interface FrameFigures {
  frames: number;
  /** Milliseconds of script in all frames. */
  spent: number;
  worst: number;
  pace: number;
}

const arrows: Readonly<Record<string, readonly [number, number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The scene in a box of the page: it draws when something changed, hears the pointer and the keys. */
export class HiveScene {
  readonly #box: HTMLElement;
  readonly #canvas: HTMLCanvasElement;
  readonly #state: HiveState;
  readonly #picture: Picture;
  readonly #open: (id: string | undefined) => void;
  readonly #ends: (() => void)[] = [];
  readonly figures: FrameFigures = { frames: 0, spent: 0, worst: 0, pace: 60 };
  #stage: Stage | undefined;
  #size: Size = { width: 1, height: 1 };
  #camera: Camera | undefined;
  #selected: string | undefined;
  #cursor = 0;
  #frame = 0;
  #last = 0;
  #pace = 0;
  #slow = 0;
  #isDirty = true;
  #isClosed = false;

  constructor(
    box: HTMLElement,
    canvas: HTMLCanvasElement,
    state: HiveState,
    open: (id: string | undefined) => void,
  ) {
    this.#box = box;
    this.#canvas = canvas;
    this.#state = state;
    this.#picture = new Picture(state);
    this.#open = open;
  }

  /** PixiJS is loaded now, when there is a scene to draw. */
  async begin(): Promise<void> {
    if (this.#isClosed) return;
    const { Stage: made } = await import("../stage/stage.ts");
    if (this.#isClosed) return;
    this.#measure();
    const stage = await made.open(this.#canvas, this.#size, this.#ratio);
    if (this.#isClosed) {
      stage.close();
      return;
    }
    this.#stage = stage;
    const observer = new ResizeObserver(() => this.#resized());
    observer.observe(this.#box);
    const dirty = () => {
      this.#isDirty = true;
    };
    this.#ends.push(() => observer.disconnect(), this.#state.watch(dirty), watchTheme(dirty));
    this.#listen();
    this.#next();
  }

  get #ratio(): number {
    // More than two dots to a pixel cost much and show nothing.
    return Math.min(2, devicePixelRatio || 1);
  }

  #measure(): void {
    const { clientWidth, clientHeight } = this.#box;
    this.#size = { width: Math.max(1, clientWidth), height: Math.max(1, clientHeight) };
  }

  #resized(): void {
    this.#measure();
    this.#stage?.resize(this.#size, this.#ratio);
    this.#isDirty = true;
  }

  #next(): void {
    this.#frame = requestAnimationFrame((now) => this.#drawAt(now));
  }

  #drawAt(now: number): void {
    if (this.#isClosed) return;
    this.#next();
    const pace = paces[this.#pace] ?? 8;
    if (now - this.#last < 1000 / pace - 4) return;
    const { touched, membership, flights, pulses } = this.#state;
    const isMoving = flights.all.length + pulses.all.length > 0;
    if (!this.#isDirty && !isMoving && touched.size === 0 && membership >= 0) return;
    this.#last = now;
    this.#isDirty = false;
    const begun = performance.now();
    this.#draw(begun);
    this.#count(performance.now() - begun);
  }

  #draw(now: number): void {
    const { layout } = this.#picture.update();
    this.#stage?.draw(
      this.#picture,
      now,
      {
        camera: this.#camera ?? fit(layout, this.#size),
        selected: this.#selected,
        palette: paletteNow(),
        isStill: isStill(),
      },
      this.#size,
    );
  }

  // A machine that cannot keep the pace gets a slower one, and a faster one again once it has time.
  #count(spent: number): void {
    const { figures } = this;
    figures.frames += 1;
    figures.spent += spent;
    figures.worst = Math.max(figures.worst, spent);
    this.#slow = spent > tooMuch ? this.#slow + 1 : Math.max(-300, this.#slow - 1);
    if (this.#slow > 20 && this.#pace < paces.length - 1) {
      this.#pace += 1;
      this.#slow = 0;
    } else if (this.#slow <= -300 && this.#pace > 0) {
      this.#pace -= 1;
      this.#slow = 0;
    }
    figures.pace = paces[this.#pace] ?? 8;
  }

  get #view(): Camera {
    return this.#camera ?? fit(this.#picture.cells.layout, this.#size);
  }

  #see(camera: Camera | undefined): void {
    this.#camera = camera;
    this.#isDirty = true;
  }

  fit(): void {
    this.#see(undefined);
  }

  zoom(factor: number): void {
    this.#see(zoomAt(this.#view, factor, this.#size.width / 2, this.#size.height / 2, this.#size));
  }

  select(id: string | undefined): void {
    this.#selected = id;
    const at = id === undefined ? undefined : this.#picture.cells.layout.index.get(id);
    if (at !== undefined) this.#cursor = at;
    this.#isDirty = true;
  }

  /** A key on the scene. */
  pressed(event: KeyboardEvent): void {
    const arrow = arrows[event.key];
    const { layout } = this.#picture.cells;
    if (arrow) {
      const isThere = this.#selected !== undefined;
      this.#cursor = isThere ? neighbour(layout, this.#cursor, ...arrow) : 0;
      this.#open(layout.ids[this.#cursor]);
    } else if (event.key === "+" || event.key === "=") this.zoom(1.4);
    else if (event.key === "-") this.zoom(1 / 1.4);
    else if (event.key === "0") this.fit();
    else if (event.key === "Enter") this.#open(layout.ids[this.#cursor]);
    else if (event.key === "Escape") this.#open(undefined);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  #listen(): void {
    const canvas = this.#canvas;
    const pointers = new Map<number, PointerEvent>();
    let moved = 0;
    const on = <K extends keyof HTMLElementEventMap>(
      name: K,
      act: (event: HTMLElementEventMap[K]) => void,
    ) => {
      canvas.addEventListener(name, act, { passive: false });
      this.#ends.push(() => canvas.removeEventListener(name, act));
    };
    on("pointerdown", (event) => {
      pointers.set(event.pointerId, event);
      canvas.setPointerCapture(event.pointerId);
      moved = 0;
    });
    on("pointermove", (event) => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const [other] = [...pointers.values()].filter(({ pointerId }) => pointerId !== event.pointerId);
      pointers.set(event.pointerId, event);
      const [dx, dy] = [event.offsetX - before.offsetX, event.offsetY - before.offsetY];
      moved += Math.abs(dx) + Math.abs(dy);
      if (other) this.#pinch(before, event, other);
      else if (moved > 4) this.#see(pan(this.#view, dx, dy));
    });
    on("pointerup", (event) => {
      pointers.delete(event.pointerId);
      if (moved <= 4 && pointers.size === 0) this.#pick(event);
    });
    on("pointercancel", (event) => void pointers.delete(event.pointerId));
    on("wheel", (event) => {
      event.preventDefault();
      this.#see(zoomAt(this.#view, Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY, this.#size));
    });
  }

  #pinch(before: PointerEvent, after: PointerEvent, other: PointerEvent): void {
    const apart = (one: PointerEvent) => Math.hypot(one.offsetX - other.offsetX, one.offsetY - other.offsetY);
    const [x, y] = [(after.offsetX + other.offsetX) / 2, (after.offsetY + other.offsetY) / 2];
    this.#see(zoomAt(this.#view, apart(after) / Math.max(1, apart(before)), x, y, this.#size));
  }

  #pick(event: PointerEvent): void {
    const { layout } = this.#picture.cells;
    const { x, y } = toWorld(this.#view, event.offsetX, event.offsetY, this.#size);
    const at = nearest(layout, x, y, Math.max(0.6, 14 / this.#view.scale));
    this.#open(at < 0 ? undefined : layout.ids[at]);
  }

  close(): void {
    this.#isClosed = true;
    cancelAnimationFrame(this.#frame);
    for (const end of this.#ends) end();
    this.#stage?.close();
  }
}
