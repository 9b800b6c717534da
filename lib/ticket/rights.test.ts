import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Right } from "./claims.ts";
import { printBlock, parseBlock } from "./datalog.ts";
import { parseInstant, printInstant } from "./instant.ts";
import { compileRights } from "./rights.ts";

const step = fc.constantFrom("a", "b", "ab");
const path = fc.array(step, { maxLength: 4 }).map((steps) => `/${steps.join("/")}`);
const verb = fc.constantFrom("read", "write", "rw", "*", "history");
const right: fc.Arbitrary<Right> = fc.record(
  { path, verb, rate: fc.integer({ min: 1, max: 9 }) },
  { requiredKeys: ["path", "verb"], noNullPrototype: true },
);
const rights = fc.uniqueArray(right, { maxLength: 6, selector: (r) => `${r.verb} ${r.path}` });
const blocks = fc
  .array(rights, { minLength: 1, maxLength: 4 })
  .map((all) => all.map((each, at) => ({ id: `b${at}`, rights: each })));

const isUnder = (prefix: string, path: string) =>
  prefix === "/" || path === prefix || path.startsWith(`${prefix}/`);
const has = (held: string, asked: string) =>
  held === asked || held === "*" || (held === "rw" && (asked === "read" || asked === "write"));

/** The rule as it is written down: in every block that names rights, the longest prefix that has the verb. */
function model(
  all: { id: string; rights: readonly Right[] }[],
  path: string,
  asked: string,
): number[] | undefined {
  const rates: number[] = [];
  for (const { rights } of all) {
    if (rights.length === 0) continue;
    const covering = rights.filter((r) => isUnder(r.path, path) && has(r.verb, asked));
    if (covering.length === 0) return undefined;
    const longest = Math.max(...covering.map((r) => r.path.length));
    for (const { path: at, rate } of covering)
      if (at.length === longest && rate !== undefined) rates.push(rate);
  }
  return rates.sort((a, b) => a - b);
}

test("compiled rights allow what every block allows, at the rates of the longest prefixes", () => {
  fc.assert(
    fc.property(blocks, path, fc.constantFrom("read", "write", "history", "other"), (all, path, asked) => {
      const grant = compileRights(all).allows(path, asked);
      assert.deepEqual(
        grant?.meters.map(({ rate }) => rate),
        model(all, path, asked),
      );
    }),
    { numRuns: 500 },
  );
});

test("a further block never allows more", () => {
  fc.assert(
    fc.property(blocks, rights, path, verb, (all, more, path, asked) => {
      const below = compileRights([...all, { id: "more", rights: more }]);
      if (below.allows(path, asked)) assert.ok(compileRights(all).allows(path, asked));
    }),
  );
});

test("a path is reached exactly when something at or below it is granted", () => {
  const deeper = fc.array(step, { maxLength: 5 }).map((steps) => steps.map((s) => `/${s}`).join(""));
  fc.assert(
    fc.property(
      blocks,
      path,
      deeper,
      fc.constantFrom("read", "write", "history"),
      (all, path, more, asked) => {
        const compiled = compileRights(all);
        const below = path === "/" ? more || "/" : path + more;
        if (compiled.allows(below, asked)) assert.equal(compiled.reaches(path), true);
      },
    ),
  );
  assert.equal(compileRights([{ id: "b", rights: [{ path: "/a/b", verb: "read" }] }]).reaches("/a/c"), false);
});

test("what is printed as Datalog is read back the same", () => {
  const claims = fc.record(
    {
      subject: fc.constantFrom("alice", "alice/ci", "worker-1@home"),
      role: fc.constantFrom("queen" as const, "worker-gpu" as const),
      hive: fc.constantFrom("home", "h:1"),
      rights: fc.uniqueArray(right, { minLength: 1, maxLength: 6, selector: (r) => `${r.verb} ${r.path}` }),
      budgets: fc.record(
        { ops: fc.nat(), bytes: fc.maxSafeNat(), ttl: fc.nat() },
        { requiredKeys: ["ops"], noNullPrototype: true },
      ),
      issuedAt: fc.nat(4_000_000_000).map((s) => s * 1000),
      expiresAt: fc.nat(4_000_000_000).map((s) => s * 1000),
    },
    { requiredKeys: [], noNullPrototype: true },
  );
  fc.assert(fc.property(claims, (each) => assert.deepEqual(parseBlock(printBlock(each)), each)));
});

test("instants agree with the engine's calendar", () => {
  fc.assert(
    fc.property(fc.nat(253_402_300_799), (seconds) => {
      const text = new Date(seconds * 1000).toISOString().replace(".000", "");
      assert.equal(printInstant(seconds), text);
      assert.equal(parseInstant(text), seconds);
    }),
  );
  for (const text of [
    "2026-02-29T00:00:00Z",
    "2026-01-01T24:00:00Z",
    "2026-1-1T00:00:00Z",
    "1969-12-31T23:59:59Z",
  ])
    assert.equal(parseInstant(text), undefined, text);
});
