import assert from "node:assert/strict";
import { test } from "node:test";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { z } from "zod";
import { checks } from "./checks.ts";
import { actOf } from "./policy.ts";
import type { ControlNode } from "../namespace/node.ts";
import { fullAuthority } from "../session/authority.ts";

const control = (more: Partial<ControlNode>): ControlNode => ({
  kind: "control",
  doc: "A control",
  input: z.unknown(),
  undo: "reversible",
  decide: () => ({ events: [] }),
  ...more,
});

test("bans and policy are asked after quota and before work, and nothing else changed its place", () => {
  assert.deepEqual(
    checks.map(({ name }) => name),
    [
      "frame",
      "session",
      "lifecycle",
      "right",
      "schema",
      "fence",
      "idempotency",
      "quota",
      "bans",
      "policy",
      "work",
    ],
  );
});

test("an act that its control does not declare is irreversible", () => {
  const acts = { open: { class: "reversible" }, burn: { class: "irreversible", data: true } } as const;
  const told = (node: ControlNode, command: unknown) => {
    const { name, class: kind, data } = actOf(node, command);
    return [name, kind, data];
  };
  assert.deepEqual(told(control({ acts }), { op: "open" }), ["open", "reversible", false]);
  assert.deepEqual(told(control({ acts }), { op: "burn" }), ["burn", "irreversible", true]);
  assert.deepEqual(told(control({ acts }), { op: "shut" }), ["shut", "irreversible", false]);
  assert.deepEqual(told(control({}), { op: "shut" }), ["shut", "reversible", false]);
  assert.deepEqual(told(control({ act: () => "named" }), {}), ["named", "reversible", false]);
});

test("the original's envelope makes a command idempotent as $key does", async (t) => {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const envelope = (bee: string, more: object = {}) =>
    owner.append("/comb/ctl", {
      schema: "cohesix-ctl/v1",
      id: "r-1",
      idempotency_key: "k-1",
      issued_unix_ms: clock.now(),
      cmd: { op: "hatch", bee },
      ...more,
    });
  const first = await envelope("maja");
  assert.equal(first.verdict, "ok");
  assert.equal((await envelope("maja")).id, first.id);
  assert.equal((await envelope("willi")).code, "gate.conflict");
  assert.equal((await envelope("willi", { idempotency_key: "k-2", issued_unix_ms: 0 })).code, "gate.horizon");
  assert.equal((await envelope("willi", { idempotency_key: "k-3", extra: 1 })).code, "gate.schema");
  assert.equal((await kernel.journal.record(first.id ?? 0)).trace, "id:r-1");
});
