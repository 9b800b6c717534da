import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readGrant, whole } from "./hop.ts";

const granted = Buffer.from("08021a0c08d2f5a1d2061204deadbeef2864", "hex");

test("a grant gives its end and the relay's addresses", () => {
  const { expires, addresses } = readGrant(granted);
  assert.equal(expires, 1_783_134_930_000);
  assert.deepEqual(
    addresses.map((bytes) => Buffer.from(bytes).toString("hex")),
    ["deadbeef"],
  );
});

test("a refusal is told in words", () => {
  for (const [status, said] of [
    ["28c801", "it gives no reservations now"],
    ["28ca01", "it does not allow this peer"],
    ["28e707", "status 999"],
  ])
    assert.throws(() => readGrant(Buffer.from(`0802${status}`, "hex")), {
      code: "mesh.reservation",
      message: new RegExp(`"?${said}`),
    });
});

test("a message is whole when its last byte is there, and one that is too long is refused by its first", () => {
  const framed = Buffer.concat([Buffer.of(granted.length), granted]);
  for (let at = 0; at < framed.length; at++) assert.equal(whole(framed.subarray(0, at)), undefined);
  assert.deepEqual(whole(framed), granted);
  assert.throws(() => whole(Buffer.from("ffffff7f", "hex")), { code: "mesh.reservation" });
});

test("no bytes of a relay do more than refuse", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      for (const act of [() => readGrant(bytes), () => whole(bytes)])
        try {
          act();
        } catch (thrown) {
          assert.equal((thrown as { code?: string }).code, "mesh.reservation");
        }
    }),
  );
});
