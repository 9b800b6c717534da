import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { openApi } from "@skep/edge-http";
import fc from "fast-check";
import { makeOwnerTicket } from "../access/tickets.ts";
import { startTestHive } from "../testing/hive.ts";

type Schema = Readonly<Record<string, unknown>>;
interface Operation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema?: Schema }>> };
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema?: Schema }[];
}
interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Schema>> };
}

const deepest = 6;
/** Of each operation; `SKEP_FUZZ_RUNS` for more. */
const runs = Number(process.env.SKEP_FUZZ_RUNS ?? 4);
const junk = fc.oneof(fc.string({ unit: "binary", maxLength: 40 }), fc.jsonValue({ maxDepth: 2 }));

/** Texts that a pattern asks for, where the generator can read it. */
function matching(pattern: string): fc.Arbitrary<string> {
  try {
    return fc.stringMatching(new RegExp(pattern));
  } catch {
    return fc.string();
  }
}

type Make = (schema: Schema, inner: (one: unknown) => fc.Arbitrary<unknown>) => fc.Arbitrary<unknown>;

const number: Make = ({ minimum = -10, maximum = 2 ** 53 - 1 }) => {
  const [least, most] = [Number(minimum), Number(maximum)];
  return fc.oneof(fc.constantFrom(least, most), fc.integer({ min: least, max: Math.min(most, least + 99) }));
};

const byType: Readonly<Record<string, Make>> = {
  object: ({ properties, required = [] }, inner) => {
    const fields = Object.entries((properties ?? {}) as Readonly<Record<string, unknown>>);
    const made = Object.fromEntries(fields.map(([name, one]) => [name, inner(one)]));
    return fc.record(made, { requiredKeys: required as string[] });
  },
  array: ({ items }, inner) => fc.array(inner(items), { maxLength: 3 }),
  integer: number,
  number,
  boolean: () => fc.boolean(),
  string: ({ pattern }) => (typeof pattern === "string" ? matching(pattern) : fc.string({ maxLength: 30 })),
};

/** Values that a JSON schema describes, most of them. */
function valuesOf(
  schema: Schema,
  known: Document["components"]["schemas"],
  depth = 0,
): fc.Arbitrary<unknown> {
  const inner = (one: unknown) => valuesOf((one ?? {}) as Schema, known, depth + 1);
  const { $ref, anyOf, oneOf, enum: words, type } = schema;
  if (depth > deepest) return fc.constant(null);
  if ("const" in schema) return fc.constant(schema.const);
  if (Array.isArray(words)) return fc.constantFrom(...words);
  if (typeof $ref === "string") return inner(known[$ref.split("/").at(-1) ?? ""]);
  const choices = anyOf ?? oneOf;
  if (Array.isArray(choices)) return fc.oneof(...choices.map(inner));
  return byType[String(type)]?.(schema, inner) ?? junk;
}

interface Shot {
  readonly method: string;
  readonly path: string;
  readonly words: readonly string[];
  readonly type: string | undefined;
  readonly body: unknown;
}

function shotsOf({ paths, components }: Document): fc.Arbitrary<Shot>[] {
  const name = fc.constantFrom("worker-1", "self", "1", "0".repeat(64), "x", "..", "%00", "-1", "🐝");
  const words = fc.array(name, { minLength: 4, maxLength: 4 });
  return Object.entries(paths).flatMap(([path, item]) =>
    // What is followed does not end, and codes and sessions are pages' own.
    ["get", "head", "post", "put", "patch", "delete"]
      .filter((method) => item[method] && !path.endsWith(".follow"))
      .map((method) => {
        const [type, told] = Object.entries(item[method]?.requestBody?.content ?? {})[0] ?? [];
        const fits = told?.schema ? valuesOf(told.schema, components.schemas) : junk;
        const body =
          type === undefined ? fc.constant(undefined) : fc.oneof({ weight: 4, arbitrary: fits }, junk);
        return fc.record({
          method: fc.constant(method),
          path: fc.constant(path),
          words,
          type: fc.constant(type),
          body,
        });
      }),
  );
}

test("nothing that its own description allows, and little that it does not, makes the hive fail inside", async () => {
  await using hive = await startTestHive(undefined, { SKEP_HTTP: "0" });
  await makeOwnerTicket(hive.home, Date.now());
  const Authorization = `Bearer ${readFileSync(join(hive.home, "owner.ticket"), "utf8").trim()}`;
  const origin = `http://127.0.0.1:${hive.at.http?.port}`;
  const document = (await openApi(hive.hive.kernel.tree, "1")) as unknown as Document;
  const shots = shotsOf(document);
  assert.ok(shots.length > 200, String(shots.length));
  const met = new Map<number, number>();
  const fire = async ({ method, path, words, type, body }: Shot): Promise<void> => {
    let at = 0;
    const target = path.replace(/\{\w+\}/g, () => encodeURIComponent(words[at++ % 4] ?? ""));
    const text = typeof body === "string" ? body.toWellFormed() : JSON.stringify(body);
    const answer = await fetch(origin + target, {
      method: method.toUpperCase(),
      headers: { Authorization, ...(type !== undefined && { "Content-Type": type }) },
      ...(type !== undefined && text !== undefined && { body: text }),
    });
    const said = await answer.text();
    met.set(answer.status, (met.get(answer.status) ?? 0) + 1);
    // 503 is a refusal by the table of faults, as its problem says.
    assert.ok(
      answer.status < 500 || /"title":"(busy|cut)"/.test(said),
      `${method} ${target} ${text}: ${answer.status} ${said}`,
    );
  };
  for (const shot of shots)
    await fc.assert(fc.asyncProperty(shot, fire), { numRuns: runs, endOnFailure: true });
  // Had every one been refused for its form, it would have shown nothing.
  assert.ok((met.get(200) ?? 0) > shots.length / 2, JSON.stringify([...met]));
});
