import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { digestOf } from "../chunked/file.ts";
import { pack } from "./pack.ts";
import { Slots } from "./slots.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-slots-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const { privateKey: key } = generateKeyPairSync("ed25519");

async function packed(epoch: string, text: string) {
  const file = join(dir, text);
  writeFileSync(file, text);
  return pack(file, { epoch, key, to: join(dir, `release-${epoch}`), fixed: false });
}

test("an update that does not come whole leaves the version before to go back to", async () => {
  const slots = new Slots(join(dir, "slots"));
  for (const [epoch, text] of [
    ["1", "one"],
    ["2", "two"],
  ] as const) {
    const { manifest, bytes } = await packed(epoch, text);
    await slots.fill(manifest, bytes, async () => Buffer.from(text));
    await slots.activate(async () => true);
  }
  const { manifest, bytes } = await packed("3", "three");
  assert.equal(manifest.chunks[0]?.digest, digestOf(Buffer.from("three")));
  const away = new Error("the hive is away");
  await assert.rejects(
    slots.fill(manifest, bytes, () => Promise.reject(away)),
    away,
  );
  await assert.rejects(
    slots.fill(manifest, bytes, async () => Buffer.from("eerht")),
    { code: "update.payload" },
  );
  assert.equal(slots.before?.epoch, "1");
  assert.equal(slots.rollback().epoch, "1");
  assert.equal(readFileSync(slots.payload, "utf8"), "one");
});
