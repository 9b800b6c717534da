import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProvider, fullAuthority } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";

const count = 40;

/** A directory in which to look at each name takes a millisecond. */
async function slowListing(context: { after(act: () => Promise<void>): void }) {
  const clock = simulatedClock();
  const names = new Set(Array.from({ length: count }, (_, at) => `n${at}`));
  const slow = defineProvider<null>({
    name: "slow",
    doc: "Names that take their time",
    initial: () => null,
    events: {},
    mounts: (t) => ({
      "/slow": t.each(
        "Names that take their time",
        "name",
        {
          *list() {
            for (const name of names) {
              clock.advance(1);
              yield name;
            }
          },
          has: (name) => names.has(name),
        },
        t.text("One", { render: () => "" }),
      ),
    }),
  });
  const kernel = await toyHive({ files: recordingFiles(), clock, providers: [slow] });
  context.after(() => kernel.close());
  const session = kernel.attach(fullAuthority("owner"), "test");
  return { session, names, found: await session.find("/slow") };
}

test("a long listing leaves the loop to others every few milliseconds", async (context) => {
  const { session, found } = await slowListing(context);
  let turns = 0;
  const listing = session.list(found);
  const turn = () => {
    turns += 1;
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  const listed = await listing;
  clearImmediate(next);
  assert.equal(listed.length, count);
  assert.ok(turns >= 15, `${turns} turns for forty milliseconds of work`);
});

test("a name that goes and comes back while a long listing is made stands in it once", async (context) => {
  const { session, found, names } = await slowListing(context);
  const listing = session.list(found);
  setImmediate(() => {
    names.delete("n0");
    names.add("n0");
  });
  const listed = (await listing).map(({ name }) => name);
  assert.deepEqual([listed.length, new Set(listed).size, listed.includes("n0")], [count, count, true]);
});

test("a session that ends while a long listing is made gets none", async (context) => {
  const { session, found } = await slowListing(context);
  const listing = session.list(found);
  setImmediate(() => session.close());
  await assert.rejects(listing, { code: "session.closed" });
});

test("what a directory tells in one file is printed in pieces, as it was when it was opened", async (context) => {
  const clock = simulatedClock();
  const names = new Set(Array.from({ length: 1000 }, (_, at) => `n${at}`));
  const many = defineProvider<null>({
    name: "many",
    doc: "Rows that take their time",
    initial: () => null,
    events: {},
    mounts: (t) => ({
      "/many": t.each(
        "Many names",
        "name",
        {
          list: () => [],
          *rows() {
            for (const [at, name] of [...names].entries()) {
              if (at % 50 === 0) clock.advance(1);
              yield { name, "\u202e": at };
            }
          },
          has: (name) => names.has(name),
        },
        t.text("One", { render: () => "" }),
      ),
    }),
  });
  const kernel = await toyHive({ files: recordingFiles(), clock, providers: [many] });
  context.after(() => kernel.close());
  const session = kernel.attach(fullAuthority("owner"), "test");
  let turns = 0;
  const reading = session.read("/many.json");
  const turn = () => {
    turns += 1;
    names.clear();
    next = setImmediate(turn);
  };
  let next = setImmediate(turn);
  const text = Buffer.from(await reading).toString();
  clearImmediate(next);
  assert.equal(text.startsWith('[{"name":"n0","\\u202e":0},'), true);
  assert.equal(text.endsWith('{"name":"n999","\\u202e":999}]\n'), true);
  assert.equal(JSON.parse(text).length, 1000);
  assert.ok(turns >= 5, `${turns} turns for twenty milliseconds of work`);
  assert.equal(Buffer.from(await session.read("/many.json")).toString(), "[]\n");
});
