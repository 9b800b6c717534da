import assert from "node:assert/strict";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import fc from "fast-check";
import { openApi } from "./mod.ts";
import { send, startRig } from "./testing.ts";

type Operation = {
  readonly operationId: string;
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: { readonly content: Record<string, unknown> };
};
type Document = { readonly paths: Record<string, Record<string, Operation>> };

const methods = ["get", "head", "post", "put", "patch", "delete"];

test("the description of a tree is valid OpenAPI 3.1, and every operation has a name of its own", async (t) => {
  const kernel = await toyHive({ files: recordingFiles(), clock: simulatedClock() });
  t.after(() => kernel.close());
  const document = (await openApi(kernel.tree, "1.0.0")) as unknown as Document;
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(document) as never);
  assert.deepEqual([valid, errors], [true, undefined]);
  assert.equal(validator.version, "3.1");
  const ids = Object.values(document.paths).flatMap((item) =>
    methods.flatMap((method) => (item[method] ? [item[method].operationId] : [])),
  );
  assert.equal(new Set(ids).size, ids.length);
  const bee = document.paths["/v1/tree/comb/bees/{bee}/status"];
  assert.equal(bee?.get?.operationId, "getCombBeesBeeStatus");
});

/** Text with what breaks parsers: separators, escapes, control characters, halves of characters. */
const nasty = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom(
    "",
    "..",
    "%2e%2e",
    "%00",
    "a/b",
    "-1",
    "1e309",
    "NaN",
    "null",
    "[]",
    "{}",
    "\u0000",
    "\ud800",
    "🐝".repeat(20),
  ),
);
const encoded = nasty.map((text) => encodeURIComponent(text.toWellFormed()));

test("whatever is sent to any operation, nothing is an internal error", async (t) => {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  const reported: unknown[] = [];
  const { port } = await startRig(t, {
    clock,
    kernel,
    tickets: () => fullAuthority("owner"),
    more: { rate: 1_000_000, report: (fault) => reported.push(fault.cause) },
  });
  const { paths } = (await openApi(kernel.tree, "1")) as unknown as Document;
  const operations = Object.entries(paths).flatMap(([path, item]) =>
    methods
      .filter((method) => item[method])
      .map((method) => ({ path, method, operation: item[method] as Operation })),
  );
  const body = fc.oneof(
    nasty,
    fc.json({ maxDepth: 3 }),
    fc
      .record(
        { path: nasty, line: nasty, op: nasty, bee: nasty, minutes: fc.anything(), items: fc.anything() },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value) ?? ""),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...operations),
      fc.array(encoded, { minLength: 4, maxLength: 4 }),
      body,
      nasty,
      async ({ path, method, operation }, words, text, header) => {
        let at = 0;
        const target = path.replace(/\{\w+\}/g, () => words[at++ % 4] ?? "");
        const asked = operation.parameters ?? [];
        const query = asked
          .filter((one) => one.in === "query")
          .map(({ name }) => `${name}=${words[at++ % 4]}`);
        const types = Object.keys(operation.requestBody?.content ?? {});
        const headers: Record<string, string> = { Authorization: "Bearer queen" };
        const value = header.replace(/[^\x20-\x7e]/g, "").trim();
        for (const one of asked) if (one.in === "header" && value !== "") headers[one.name] = value;
        if (types[0] !== undefined) headers["Content-Type"] = types[0];
        const got = await send(port, query.length > 0 ? `${target}?${query.join("&")}` : target, {
          method: method.toUpperCase(),
          headers,
          ...(types.length > 0 && { body: text.toWellFormed() }),
        });
        assert.ok(got.status < 500 || got.status === 503, `${method} ${target}: ${got.status} ${got.body}`);
      },
    ),
    { numRuns: 400 },
  );
  assert.deepEqual(reported, []);
});
