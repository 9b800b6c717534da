import "pixi.js/unsafe-eval";
import {
  Application,
  BitmapText,
  Container,
  Graphics,
  Particle,
  ParticleContainer,
  Sprite,
  Texture,
} from "pixi.js";
import { inkOn, numberOf, type Palette } from "../palette.ts";
import type { Camera, Size } from "../scene/camera.ts";
import {
  cellColour,
  faceAlpha,
  faceColour,
  faceNames,
  type Label,
  type Mote,
  type Picture,
  type Ring,
} from "../scene/picture.ts";

/** What the stage is asked to show beside the picture. */
export interface Look {
  readonly camera: Camera;
  readonly selected: string | undefined;
  readonly palette: Palette;
  /** True where nothing shall move. */
  readonly isStill: boolean;
}

const mostMotes = 400;
const mostRings = 120;
const mostLabels = 90;
/** Pixels of the distance between two neighbours in the textures of the hive and the mark. */
const unit = 100;
/** Pixels around what a texture shows. */
const rim = 2;
/** Pixels from the middle of a cell to its corners in the texture. */
const cellRadius = 32;
/** The distance of two neighbours is twice the way from the middle to a side. */
const cellScale = 1 / (cellRadius * Math.sqrt(3));

function hexagon(radius: number): number[] {
  return Array.from({ length: 6 }, (_, at) => (at * Math.PI) / 3 + Math.PI / 6).flatMap((angle) => [
    Math.cos(angle) * radius,
    Math.sin(angle) * radius,
  ]);
}

function drawCore(graphics: Graphics, palette: Palette): void {
  const color = numberOf(palette.honey);
  graphics
    .poly(hexagon(0.52 * unit))
    .fill(numberOf(palette.surface))
    .stroke({ width: 0.06 * unit, color });
  for (const [at, half] of [10, 18, 24, 24].entries())
    graphics.moveTo(-half, at * 15 - 22).lineTo(half, at * 15 - 22);
  graphics.stroke({ width: 0.05 * unit, color, cap: "round" });
}

interface Textures {
  readonly cell: Texture;
  readonly mark: Texture;
  readonly glow: Texture;
  readonly dot: Texture;
  readonly ring: Texture;
}

// Edges are smooth in the texture, with a rim around them that shows nothing: smoothing whole frames costs a
// browser that draws without a card more than everything else.
function textureOf({ renderer }: Application, draw: (graphics: Graphics) => void): Texture {
  const graphics = new Graphics();
  draw(graphics);
  const { x, y, width, height } = graphics.getLocalBounds();
  graphics.rect(x - rim, y - rim, width + 2 * rim, height + 2 * rim).fill({ color: 0xffffff, alpha: 0 });
  const made = renderer.generateTexture({ target: graphics, resolution: 2, antialias: true });
  graphics.destroy();
  return made;
}

function texturesOf(app: Application): Textures {
  const make = (draw: (graphics: Graphics) => void): Texture => textureOf(app, draw);
  return {
    cell: make((graphics) => graphics.poly(hexagon(cellRadius)).fill(0xffffff)),
    mark: make((graphics) =>
      graphics.poly(hexagon(0.61 * unit)).stroke({ width: 0.05 * unit, color: 0xffffff }),
    ),
    // A soft light out of rings, because a gradient would need a shader of its own.
    glow: make((graphics) => {
      for (let step = 48; step >= 1; step -= 1)
        graphics.circle(0, 0, step).fill({ color: 0xffffff, alpha: 0.0125 });
    }),
    dot: make((graphics) => graphics.circle(0, 0, 8).fill(0xffffff)),
    ring: make((graphics) => graphics.circle(0, 0, 28).stroke({ width: 4, color: 0xffffff })),
  };
}

// Particles that are not in use are not in the container: even transparent ones are filled.
function show(container: ParticleContainer, pool: readonly Particle[], count: number): void {
  container.visible = count > 0;
  if (container.particleChildren.length === count) return;
  container.particleChildren = pool.slice(0, count);
  container.update();
}

// What the card is given: PixiJS would take a colour apart again each time that its tint or alpha is set.
function inked(colour: number, alpha: number): number {
  return (((colour & 0xff) << 16) | (colour & 0xff00) | (colour >> 16)) + (((alpha * 255) | 0) << 24);
}

/** Draws pictures with PixiJS. It decides nothing: what is where, and how bright, the picture says. */
export class Stage {
  readonly #app: Application;
  readonly #world = new Container();
  readonly #labels = new Container();
  readonly #textures: Textures;
  readonly #cells: ParticleContainer;
  readonly #glows: ParticleContainer;
  readonly #motes: ParticleContainer;
  readonly #rings: ParticleContainer;
  readonly #core = new Sprite();
  readonly #mark: Sprite;
  readonly #texts: { readonly big: BitmapText; readonly small: BitmapText }[] = [];
  #cellParticles: Particle[] = [];
  readonly #glowPool: Particle[] = [];
  readonly #motePool: Particle[];
  readonly #ringPool: Particle[];
  readonly #moteData: Mote[] = Array.from({ length: mostMotes }, () => ({
    x: 0,
    y: 0,
    alpha: 0,
    tone: "honey",
  }));
  readonly #ringData: Ring[] = Array.from({ length: mostRings }, () => ({
    x: 0,
    y: 0,
    radius: 1,
    alpha: 0,
    tone: "bad",
  }));
  #painted: Palette | undefined;
  #colours: number[] = [];
  #inks: number[] = [];
  #labelled = "";
  #isResized = false;

  private constructor(app: Application) {
    this.#app = app;
    this.#textures = texturesOf(app);
    const moving = { position: true, color: true, vertex: true };
    // A cell changes its colour all the time and its size almost never: sizes go to the card only then.
    this.#cells = new ParticleContainer({
      texture: this.#textures.cell,
      dynamicProperties: { position: false, color: true, vertex: false },
    });
    this.#glows = new ParticleContainer({ texture: this.#textures.glow, dynamicProperties: moving });
    this.#mark = new Sprite(this.#textures.mark);
    for (const sprite of [this.#core, this.#mark]) {
      sprite.anchor.set(0.5);
      sprite.scale.set(1 / unit);
    }
    this.#motes = new ParticleContainer({ texture: this.#textures.dot, dynamicProperties: moving });
    this.#rings = new ParticleContainer({ texture: this.#textures.ring, dynamicProperties: moving });
    this.#world.addChild(this.#glows, this.#cells, this.#core, this.#mark, this.#rings, this.#motes);
    app.stage.addChild(this.#world, this.#labels);
    const pool = (texture: Texture, count: number) =>
      Array.from({ length: count }, () => new Particle({ texture, anchorX: 0.5, anchorY: 0.5 }));
    this.#motePool = pool(this.#textures.dot, mostMotes);
    this.#ringPool = pool(this.#textures.ring, mostRings);
  }

  /** Begins to draw into a canvas. Throws where the browser draws nothing. */
  static async open(canvas: HTMLCanvasElement, { width, height }: Size, ratio: number): Promise<Stage> {
    const app = new Application();
    await app.init({
      canvas,
      width,
      height,
      resolution: ratio,
      autoDensity: false,
      antialias: false,
      backgroundAlpha: 0,
      preference: "webgl",
      // The page draws when there is something new, and at its own pace.
      autoStart: false,
      sharedTicker: false,
    });
    return new Stage(app);
  }

  resize({ width, height }: Size, ratio: number): void {
    this.#app.renderer.resize(width, height, ratio);
  }

  /** Draws one frame; gives whether anything still moves. */
  draw(picture: Picture, now: number, look: Look, size: Size): boolean {
    const { camera, palette } = look;
    const isRepainted = this.#repaint(palette);
    this.#world.position.set(
      size.width / 2 - camera.x * camera.scale,
      size.height / 2 - camera.y * camera.scale,
    );
    this.#world.scale.set(camera.scale);
    this.#drawCells(picture, isRepainted);
    const moves = this.#drawMotes(picture, now, look) + this.#drawRings(picture, now, look);
    this.#drawMark(picture, look);
    this.#drawLabels(picture, look, size);
    this.#app.render();
    return moves > 0;
  }

  #repaint(palette: Palette): boolean {
    if (palette === this.#painted) return false;
    this.#painted = palette;
    this.#colours = faceNames.map((_, face) => numberOf(faceColour(face, palette)));
    this.#inks = faceNames.map((_, face) => numberOf(inkOn(cellColour(face, palette), palette)));
    if (this.#core.texture !== Texture.EMPTY) this.#core.texture.destroy(true);
    this.#core.texture = textureOf(this.#app, (graphics) => drawCore(graphics, palette));
    this.#labelled = "";
    return true;
  }

  #drawCells(picture: Picture, isRepainted: boolean): void {
    const { layout } = picture.cells;
    const fresh = picture.take();
    if (fresh === "all") this.#place(picture);
    if (fresh === "all" || isRepainted)
      for (let at = 0; at < layout.ids.length; at += 1) this.#dress(picture, at);
    else for (const at of fresh) this.#dress(picture, at);
    if (fresh === "all" || isRepainted || fresh.length > 0) this.#drawGlows(picture);
    if (this.#isResized) this.#cells.update();
    this.#isResized = false;
  }

  #place({ cells: { layout } }: Picture): void {
    const made = (texture: Texture, at: number) =>
      new Particle({ texture, anchorX: 0.5, anchorY: 0.5, x: layout.x[at] ?? 0, y: layout.y[at] ?? 0 });
    this.#cellParticles = layout.ids.map((_, at) => made(this.#textures.cell, at));
    this.#cells.particleChildren = this.#cellParticles;
    this.#cells.update();
  }

  // Only what shines is there to be drawn: of ten thousand machines most do not.
  #drawGlows({ cells: { layout, face, glow } }: Picture): void {
    let count = 0;
    for (let at = 0; at < glow.length; at += 1) {
      const load = (glow[at] ?? 0) / 255;
      if (load === 0) continue;
      const light = this.#glowAt(count);
      light.x = layout.x[at] ?? 0;
      light.y = layout.y[at] ?? 0;
      light.scaleX = 0.012 + 0.014 * load;
      light.scaleY = light.scaleX;
      light.color = inked(this.#colours[face[at] ?? 0] ?? 0xffffff, load);
      count += 1;
    }
    show(this.#glows, this.#glowPool, count);
  }

  #glowAt(at: number): Particle {
    const known = this.#glowPool[at];
    if (known) return known;
    const made = new Particle({ texture: this.#textures.glow, anchorX: 0.5, anchorY: 0.5 });
    this.#glowPool.push(made);
    return made;
  }

  #dress({ cells: { face, size } }: Picture, at: number): void {
    const cell = this.#cellParticles[at];
    if (!cell) return;
    const scale = cellScale * ((size[at] ?? 94) / 100);
    if (cell.scaleX !== scale) this.#isResized = true;
    cell.scaleX = scale;
    cell.scaleY = scale;
    const colour = this.#colours[face[at] ?? 0] ?? 0xffffff;
    cell.color = inked(colour, faceAlpha(face[at] ?? 0));
  }

  #drawMotes(picture: Picture, now: number, { isStill, palette, camera }: Look): number {
    const count = isStill ? 0 : picture.motes(now, this.#moteData);
    show(this.#motes, this.#motePool, count);
    const scale = Math.max(0.09, 2.2 / camera.scale) / 8;
    for (const [at, particle] of this.#motePool.entries()) {
      const mote = this.#moteData[at];
      if (at >= count || !mote) break;
      particle.x = mote.x;
      particle.y = mote.y;
      particle.scaleX = scale;
      particle.scaleY = scale;
      particle.color = inked(numberOf(palette[mote.tone]), mote.alpha);
    }
    return count;
  }

  #drawRings(picture: Picture, now: number, { palette, isStill }: Look): number {
    const count = picture.rings(now, this.#ringData);
    show(this.#rings, this.#ringPool, count);
    for (const [at, particle] of this.#ringPool.entries()) {
      const ring = this.#ringData[at];
      if (at >= count || !ring) break;
      particle.x = ring.x;
      particle.y = ring.y;
      particle.scaleX = (isStill ? 0.9 : ring.radius) / 28;
      particle.scaleY = particle.scaleX;
      particle.color = inked(numberOf(palette[ring.tone]), ring.alpha);
    }
    return count;
  }

  #drawMark({ cells: { layout } }: Picture, { selected, palette }: Look): void {
    const at = selected === undefined ? undefined : layout.index.get(selected);
    this.#mark.visible = at !== undefined;
    if (at === undefined) return;
    this.#mark.tint = numberOf(palette.text);
    this.#mark.position.set(layout.x[at] ?? 0, layout.y[at] ?? 0);
  }

  // Texts are dear: they are set only where they say or stand otherwise than before.
  #drawLabels(picture: Picture, { camera, palette }: Look, size: Size): void {
    const labels = picture.labels(camera, size, mostLabels);
    const key = labels.map(({ text, small, x, y, face }) => `${text}${small}${face}${x | 0},${y | 0}`).join();
    if (key === this.#labelled) return;
    this.#labelled = key;
    while (this.#texts.length < labels.length) this.#texts.push(this.#text());
    for (const [at, { big, small }] of this.#texts.entries()) {
      const label = labels[at];
      big.visible = label !== undefined;
      small.visible = label !== undefined;
      if (label) this.#write(big, small, label, palette);
    }
  }

  #text() {
    const made = (fontSize: number) => {
      const text = new BitmapText({
        text: "",
        style: { fontFamily: "system-ui, sans-serif", fontSize, fill: 0xffffff },
      });
      text.anchor.set(0.5, 0);
      this.#labels.addChild(text);
      return text;
    };
    return { big: made(13), small: made(11) };
  }

  #write(big: BitmapText, small: BitmapText, label: Label, palette: Palette): void {
    const isMachine = label.kind === "machine";
    const ink = this.#inks[label.face ?? 0] ?? numberOf(palette.text);
    big.text = label.text;
    small.text = label.small;
    big.tint = isMachine ? ink : numberOf(palette.honeyText);
    small.tint = isMachine ? ink : numberOf(palette.dim);
    big.position.set(Math.round(label.x), Math.round(label.y - (isMachine ? 14 : -4)));
    small.position.set(Math.round(label.x), Math.round(label.y + (isMachine ? 2 : 20)));
  }

  close(): void {
    this.#app.destroy({ removeView: false }, { children: true, texture: true });
  }
}
