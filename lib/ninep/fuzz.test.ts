import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { attack, playBytes } from "./fuzz.ts";

const folder = new URL("testdata/", import.meta.url);

test("the corpus has its cases", () => {
  assert.ok(readdirSync(folder).filter((file) => file.endsWith(".hex")).length >= 12);
});

for (const file of readdirSync(folder).filter((name) => name.endsWith(".hex")))
  test(`the corpus case ${file} ends as it says`, async () => {
    const [, end, hex] =
      /^end (\S+)\n([\s0-9a-f]*)$/m.exec(readFileSync(new URL(file, folder), "utf8")) ?? [];
    assert.ok(end && hex, "a case is comments, `end CODE`, and bytes in hexadecimal");
    const bytes = Buffer.from(hex.replaceAll(/\s/g, ""), "hex");
    for (const seed of [1, 2, 3]) {
      const outcome = await playBytes(bytes, seed);
      assert.deepEqual([outcome.end, outcome.internal, outcome.left], [end, [], 0]);
    }
  });

test("three hundred seeded attacks end the connection or are answered, and leave nothing behind", async () => {
  const ends = new Set<string>();
  for (let seed = 1; seed <= 300; seed++) {
    const { end, answered, internal, left } = await playBytes(attack(seed), seed);
    assert.deepEqual({ seed, internal, left }, { seed, internal: [], left: 0 });
    assert.ok(answered > 0, `seed ${seed} was not even greeted`);
    ends.add(end);
  }
  assert.deepEqual([...ends].sort(), ["ninep.malformed", "ninep.protocol", "open"]);
});
