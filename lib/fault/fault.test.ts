import assert from "node:assert/strict";
import { test } from "node:test";
import { Fault, faults, kindOfErrno, kinds, toFault } from "./mod.ts";

const fault = faults("jobs", {
  ended: ["conflict", "Cannot cancel job that already ended", { cure: "Read its status" }],
});

test("a declared fault carries its code, its quoted object and its cure", () => {
  const made = fault.ended('j"1');
  assert.equal(made.code, "jobs.ended");
  assert.equal(made.message, 'Cannot cancel job that already ended: "j\\"1"');
  assert.equal(made.cure, "Read its status");
  assert.equal(made.row.exit, 8);
});

test("what we did not raise is internal and keeps its cause", () => {
  const cause = new TypeError("secret");
  const made = toFault(cause);
  assert.equal(made.kind, "internal");
  assert.equal(made.cause, cause);
  assert.ok(!made.message.includes("secret"));
  assert.equal(toFault(made), made);
});

test("every errno leads back to a kind with the same errno", () => {
  for (const row of Object.values(kinds)) assert.equal(kinds[kindOfErrno(row.errno)].errno, row.errno);
  assert.equal(kindOfErrno(9999), "internal");
});

test("an over-long object is cut before it is quoted", () => {
  assert.ok(new Fault("invalid", "x", "m").message.length < 10);
  assert.ok(fault.ended("x".repeat(500)).message.length < 200);
});
