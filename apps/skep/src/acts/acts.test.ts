import assert from "node:assert/strict";
import { test } from "node:test";
import { type ControlNode, createTree, type Provider, treeActs } from "@skep/kernel";
import { z } from "zod";
import { foldedMounts } from "../hive/folded.ts";
import { undoCases } from "./undo-cases.ts";

const providers: readonly Provider[] = foldedMounts("/nonexistent", undefined);
const acts = treeActs(createTree(providers));
const controls = acts.controls();

type Schema = { readonly [key: string]: unknown };

const isObject = (value: unknown): value is Schema => typeof value === "object" && value !== null;

/** Every value that the schema lets `op` have, wherever it stands. */
function opsOf(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(opsOf);
  if (!isObject(schema)) return [];
  const { properties } = schema;
  const op = isObject(properties) && isObject(properties.op) ? properties.op : undefined;
  const own = op === undefined ? [] : [op.const ?? op.enum].flat().map(String);
  return [...own, ...Object.values(schema).flatMap(opsOf)];
}

/** Names of what a control's commands can be: by its schema, and by its examples. */
function actsOf(node: ControlNode): Set<string> {
  const names = new Set(opsOf(z.toJSONSchema(node.input, { unrepresentable: "any", io: "input" })));
  for (const example of node.examples ?? []) {
    const line = example.replaceAll("<sha256>", "0".repeat(64));
    const parsed = node.input.safeParse(node.parse ? node.parse(line) : JSON.parse(line));
    if (parsed.success && node.act) names.add(node.act(parsed.data as never));
  }
  return names;
}

for (const { path, node } of controls) {
  test(`every act of ${path} is declared with its class, and nothing else is`, () => {
    const declared = Object.keys(node.acts ?? {});
    assert.notDeepEqual(declared, []);
    assert.deepEqual(
      [...actsOf(node)].filter((name) => !declared.includes(name)),
      [],
    );
  });

  for (const [name, act] of Object.entries(node.acts ?? {})) {
    if (act.class === "reversible")
      test(`${name} at ${path} has an inverse, and a case in which it is undone`, () => {
        assert.equal(typeof act.inverse, "function");
        assert.notEqual(
          undoCases[`${path} ${name}`],
          undefined,
          "add a case to apps/skep/src/acts/undo-cases.ts",
        );
      });
    if (act.class === "compensable")
      test(`${name} at ${path} tells how it is set right`, () =>
        assert.match(act.compensation ?? "", /^[A-Z].{5,}[^.]$/));
    if (act.class === "irreversible")
      test(`${name} at ${path} has no inverse`, () => assert.equal(act.inverse, undefined));
  }
}

for (const { path, node } of acts.values())
  test(`${path} is undone by its former value, in a case, or tells how it is set right`, () => {
    if (node.compensation !== undefined) assert.match(node.compensation, /^[A-Z].{5,}[^.]$/);
    else
      assert.notEqual(
        undoCases[`${path} write`],
        undefined,
        "add a case to apps/skep/src/acts/undo-cases.ts",
      );
  });
