import assert from "node:assert/strict";
import { test } from "node:test";
import { attack, draws, playBytes } from "./fuzz.ts";

test("ten thousand seeded attacks cause no internal fault and leave nothing behind", async () => {
  for (let seed = 1_000; seed < 11_000; seed++) {
    const { internal, left } = await playBytes(attack(seed), seed);
    assert.deepEqual({ seed, internal, left }, { seed, internal: [], left: 0 });
  }
});

test("random bytes after the greeting, five thousand times, do the same", async () => {
  for (let seed = 1; seed <= 5_000; seed++) {
    const draw = draws(seed);
    const noise = Buffer.from(Array.from({ length: 16 + draw(400) }, () => draw(256)));
    for (let at = 0; at + 7 < noise.length; at += 7 + draw(60)) noise.writeUInt32LE(7 + draw(40), at);
    const bytes = Buffer.concat([attack(seed).subarray(0, 21 + 23), noise]);
    const { internal, left } = await playBytes(bytes, seed);
    assert.deepEqual({ seed, internal, left }, { seed, internal: [], left: 0 });
  }
});
