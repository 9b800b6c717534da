import assert from "node:assert/strict";
import { test } from "node:test";
import { contrast, dark, inkOn, light, type Palette } from "./palette.ts";
import { cellColour, faceNames } from "./scene/picture.ts";

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

  test(`the name of a machine can be read on its cell in the ${name} scheme, whatever state that is in`, () => {
    for (const [face, state] of faceNames.entries()) {
      const ground = cellColour(face, palette);
      assert.ok(contrast(inkOn(ground, palette), ground) >= 4.5, `${state} on ${ground}`);
    }
  });
}
