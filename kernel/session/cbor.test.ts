import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCbor } from "./cbor.ts";

test("values of JSON are the CBOR that RFC 8949 gives for them", () => {
  const cases = [
    [0, "00"],
    [23, "17"],
    [24, "1818"],
    [1000, "1903e8"],
    [1_000_000, "1a000f4240"],
    [1_000_000_000_000, "1b000000e8d4a51000"],
    [-1, "20"],
    [-1000, "3903e7"],
    [1.1, "fb3ff199999999999a"],
    [null, "f6"],
    [true, "f5"],
    [false, "f4"],
    ["IETF", "6449455446"],
    ["ü", "62c3bc"],
    [[1, [2, 3]], "8201820203"],
    [{ a: 1, b: [2, 3], c: undefined }, "a26161016162820203"],
  ] as const;
  for (const [value, hex] of cases) assert.equal(encodeCbor(value).toString("hex"), hex);
});
