/** What is looked at: the middle of the view in units of the layout, and pixels for a unit. */
export interface Camera {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** How much is drawn: dots, cells, or cells with their names. */
export type Detail = "dots" | "cells" | "names";

/** The size of a view in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

const least = 2;
const most = 240;
/** Of few machines none is made larger than this, on a very large screen than this part of it. */
const ample = { pixels: 128, part: 1 / 11 };

/** The camera that shows everything within `radius` of a middle. */
export function fit(
  {
    middle,
    radius,
  }: { readonly middle: { readonly x: number; readonly y: number }; readonly radius: number },
  { width, height }: Size,
): Camera {
  const room = Math.min(width, height);
  const top = Math.max(ample.pixels, room * ample.part);
  return { ...middle, scale: Math.max(least, Math.min(top, room / (2 * (radius + 0.4)))) };
}

/** Zooms by a factor so that the point of the view at `px`, `py` stays where it is. */
export function zoomAt(camera: Camera, factor: number, px: number, py: number, size: Size): Camera {
  const scale = Math.max(least, Math.min(most, camera.scale * factor));
  const before = toWorld(camera, px, py, size);
  const after = toWorld({ ...camera, scale }, px, py, size);
  return { x: camera.x + before.x - after.x, y: camera.y + before.y - after.y, scale };
}

/** Moves by pixels. */
export function pan(camera: Camera, dx: number, dy: number): Camera {
  return { ...camera, x: camera.x - dx / camera.scale, y: camera.y - dy / camera.scale };
}

/** A point of the view as a point of the layout. */
export function toWorld({ x, y, scale }: Camera, px: number, py: number, { width, height }: Size) {
  return { x: x + (px - width / 2) / scale, y: y + (py - height / 2) / scale };
}

/** A point of the layout as a point of the view. */
export function toView({ x, y, scale }: Camera, wx: number, wy: number, { width, height }: Size) {
  return { x: (wx - x) * scale + width / 2, y: (wy - y) * scale + height / 2 };
}

/** How much can be told apart at a scale. */
export function detailAt(scale: number): Detail {
  if (scale < 14) return "dots";
  return scale < 46 ? "cells" : "names";
}
