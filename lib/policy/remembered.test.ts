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
