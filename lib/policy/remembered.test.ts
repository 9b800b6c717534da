import assert from "node:assert/strict";
import { test } from "node:test";
import { Remembered } from "./remembered.ts";
import type { PolicyRequest } from "./request.ts";
import type { Policy } from "./source.ts";

const policy = { reads: new Set(["subject", "role"]), instants: undefined } as unknown as Policy;
const asked = (subject: string, role: string) => ({ subject, role }) as unknown as PolicyRequest;

test("two requests share an answer only where each value is the same, whatever the values hold", () => {
  const remembered = new Remembered<string>([policy]);
  const keyOf = (request: PolicyRequest) => remembered.keyOf(request);
  assert.equal(keyOf(asked("ann", "queen")), keyOf(asked("ann", "queen")));
  for (const [one, other] of [
    [asked("ann\nqueen", ""), asked("ann", "queen\n")],
    [asked("a", "nn"), asked("an", "n")],
    [asked("a\n", "b"), asked("a", "\nb")],
    [asked("5:queen", ""), asked("", "5:queen")],
  ] as const)
    assert.notEqual(keyOf(one), keyOf(other));
});

test("a request without a label, a machine or a kind of work is not answered like one with an empty one", () => {
  for (const name of ["label", "machine", "work"] as const) {
    const reads = { reads: new Set([name, "role"]), instants: undefined } as unknown as Policy;
    const remembered = new Remembered<string>([reads]);
    const keyOf = (more: object) => remembered.keyOf({ ...asked("ann", "queen"), ...more });
    const without = keyOf({});
    assert.equal(keyOf({ [name]: undefined }), without);
    assert.notEqual(keyOf({ [name]: "" }), without);
    assert.notEqual(keyOf({ [name]: "-" }), without);
  }
});
