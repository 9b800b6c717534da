import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeManifest, decodeTable, encodeManifest, encodeTable, type Manifest, signerOf } from "./mod.ts";
import { made, part, release, sha256 } from "./rig.test.ts";

const key = Buffer.from(release.export({ format: "jwk" }).x ?? "", "base64url").toString("hex");
const digest = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .map((bytes) => Buffer.from(bytes).toString("hex"));
const plain = { noNullPrototype: true };
const manifests: fc.Arbitrary<Manifest> = fc.record(
  {
    type: fc.constant("skep-model/v1" as const),
    name: fc.stringMatching(/^[a-z][\w.-]{0,40}$/),
    serial: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    model: digest,
    bytes: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
    chunks: fc.record({ count: fc.integer({ min: 1, max: 1_000_000 }), sha256: digest }, plain),
    schema: fc.record({ bytes: fc.integer({ min: 1, max: 65_536 }), sha256: digest }, plain),
    base: fc.constantFrom("", "A-base"),
    provenance: fc.dictionary(
      fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/),
      fc.stringMatching(/^[ -~]{0,80}$/),
      {
        maxKeys: 8,
        noNullPrototype: true,
      },
    ),
  },
  plain,
);

test("a manifest reads back as what was written, and a cut one is not whole", () => {
  fc.assert(
    fc.property(
      manifests,
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (manifest, where) => {
        const bytes = encodeManifest(manifest);
        assert.deepEqual(decodeManifest(bytes), manifest);
        assert.equal(decodeManifest(bytes.subarray(0, Math.floor(bytes.length * where))), undefined);
      },
    ),
    { numRuns: 200 },
  );
});

test("no byte of a signed manifest or its signature can be another", () => {
  const { bytes, signature } = made("m", 1, [part("a")]);
  assert.equal(signerOf(bytes, signature, ["ab".repeat(32), key]), key);
  const places = fc.nat({ max: bytes.length + signature.length - 1 });
  fc.assert(
    fc.property(places, fc.integer({ min: 1, max: 255 }), (at, change) => {
      const both = Buffer.concat([bytes, signature]);
      both[at] = (both[at] ?? 0) ^ change;
      assert.throws(() => signerOf(both.subarray(0, bytes.length), both.subarray(bytes.length), [key]), {
        code: "models.signature",
      });
    }),
    { numRuns: 200 },
  );
});

test("a table that was signed and cannot be is refused all the same", () => {
  const row = (bytes: number, fill = "0") => ({ digest: fill.repeat(64), bytes });
  const { manifest } = made("m", 1, [part("a")]);
  for (const rows of [
    [row(0)],
    [row(1024 * 1024 + 1)],
    [row(400), row(1)],
    [row(200, "1"), row(100, "1"), row(100)],
    [row(399)],
  ]) {
    const table = encodeTable(rows);
    const signed = { ...manifest, chunks: { count: rows.length, sha256: sha256(table) } };
    assert.throws(() => decodeTable(table, signed), { code: "models.table" }, JSON.stringify(rows));
  }
  const table = encodeTable([row(400)]);
  const longer = { ...manifest, chunks: { count: 2, sha256: sha256(table) } };
  assert.throws(() => decodeTable(table, longer), { code: "models.table" });
});
