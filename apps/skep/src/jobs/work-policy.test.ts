import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Json } from "@skep/kernel";
import { createSigner } from "@skep/receipt";
import { startTestHive } from "../testing/hive.ts";
import { manifestOf, type Wish } from "./submit.ts";

const rules = `@id("all") permit (principal, action, resource);
@id("no-training") forbid (principal, action in [Action::"submit", Action::"array"], resource)
  when { context has work && context.work == "training" };
@id("no-private-mail") forbid (principal, action == Action::"submit", resource)
  when { context has work && context.work == "mail" && context has label && context.label == "private" };`;

const digest = createHash("sha256").update("no module").digest("hex");
const task = (more: object) => ({ op: "submit", run: { kind: "task", name: "add", ...more } });

function signed(wish: Partial<Wish>): object {
  const made = manifestOf(
    createSigner(Buffer.alloc(32, 7)),
    digest,
    undefined,
    { args: [], env: {}, ...wish },
    Date.now(),
  );
  return { op: "submit", manifest: made.manifest };
}

const cases: readonly (readonly [name: string, command: object, rule: string])[] = [
  ["of a class that a rule forbids", task({ class: "training" }), "no-training"],
  ["that names that class in a signed manifest", signed({ workClass: "training" }), "no-training"],
  ["of another class", task({ class: "mail" }), ""],
  ["that names no class", task({}), ""],
  [
    "of a class and with a data label that a rule forbids together",
    task({ class: "mail", where: { data: "private" } }),
    "no-private-mail",
  ],
  [
    "that says both in a signed manifest",
    signed({ workClass: "mail", where: { data: "private" } }),
    "no-private-mail",
  ],
];

test("policies decide by what work is for and by who may see its data", async (t) => {
  const place = await startTestHive();
  t.after(() => place[Symbol.asyncDispose]());
  const { owner } = place.hive;
  const applied = await owner.append("/policy/ctl", { op: "apply", files: { "a.cedar": rules } });
  assert.equal(applied.verdict, "ok", applied.message);
  for (const [name, command, rule] of cases) {
    const { verdict, code, message } = await owner.append("/jobs/ctl", command as Json);
    if (rule === "") assert.equal(verdict, "ok", `a job ${name}: ${code} ${message}`);
    else assert.match(`${verdict} ${message}`, new RegExp(`^refused .*${rule}`), `a job ${name}: ${code}`);
  }
});
