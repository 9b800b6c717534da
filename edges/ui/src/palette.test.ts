import assert from "node:assert/strict";
import { test } from "node:test";
import { dark, light, type Palette } from "./palette.ts";

function luminance(colour: string): number {
  const parts = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255);
  const [r = 0, g = 0, b = 0] = parts.map((part) =>
    part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: string, b: string): number {
  const [high = 0, low = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (high + 0.05) / (low + 0.05);
}

const words: readonly (keyof Palette)[] = ["text", "dim", "honeyText", "ok", "warn", "bad", "info", "violet"];
const grounds: readonly (keyof Palette)[] = ["bg", "surface", "raised"];

for (const [name, palette] of Object.entries({ dark, light })) {
  test(`every word of the ${name} scheme has the contrast of WCAG AA on every ground`, () => {
    for (const word of words)
      for (const ground of grounds) {
        const found = contrast(palette[word], palette[ground]);
        assert.ok(found >= 4.5, `${word} on ${ground} has ${found.toFixed(2)}`);
      }
    assert.ok(contrast(palette.onHoney, palette.honey) >= 4.5);
  });

  test(`what is no word stands out by three to one in the ${name} scheme`, () => {
    for (const ground of grounds) assert.ok(contrast(palette.dim, palette[ground]) >= 3, ground);
    assert.ok(contrast(palette.text, palette.cell) >= 4.5);
  });
}
