import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProvider, fullAuthority, type Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";

const files: Readonly<Record<string, string>> = { a: "A", "x/b": "B", "x/y/c": "C" };

// Names below `x` are answered late, as those of another thread would be.
const forest = defineProvider<null>({
  name: "forest",
  doc: "A tree that nobody declared",
  initial: () => null,
  events: {},
  mounts: (t) => ({
    "/forest": t.subtree(
      "A tree that nobody declared",
      "below",
      {
        at: ({ params: { below = "" } }) => {
          const kind =
            below in files
              ? "file"
              : Object.keys(files).some((path) => path.startsWith(`${below}/`))
                ? "dir"
                : undefined;
          return below.startsWith("x") ? Promise.resolve(kind) : kind;
        },
        list: ({ params: { below = "" } }) =>
          below === ""
            ? [
                { name: "a", kind: "file" },
                { name: "x", kind: "dir" },
              ]
            : [],
      },
      t.text("A leaf", { render: ({ params: { below = "" } }) => files[below] ?? "" }),
    ),
  }),
});

async function hive() {
  const kernel = await toyHive({ files: recordingFiles(), clock: simulatedClock(), providers: [forest] });
  return { kernel, owner: kernel.attach(fullAuthority("owner"), "test") };
}
const text = async (session: Session, path: string) => Buffer.from(await session.read(path)).toString();

test("a subtree is walked, listed, told about and read as if it had been declared", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  const listed = await owner.list(await owner.find("/forest"));
  assert.deepEqual(
    listed.map(({ name, kind, append }) => [name, kind, append]),
    [
      ["a", "file", false],
      ["x", "dir", false],
    ],
  );
  assert.deepEqual(await owner.list(await owner.find("/forest/x/y")), []);
  assert.equal(await text(owner, "/forest/a"), "A");
  assert.equal(await text(owner, "/forest/x/y/c"), "C");
  const stat = await owner.stat(await owner.find("/forest/x/b"));
  assert.deepEqual([stat.kind, stat.size, stat.writable], ["file", 1, false]);
  assert.equal((await owner.stat(await owner.find("/forest/x"))).kind, "dir");
});

test("what a subtree has not is absent, its files are no directories and nobody writes them", async (context) => {
  const { kernel, owner } = await hive();
  context.after(() => kernel.close());
  for (const path of ["/forest/b", "/forest/x/z", "/forest/x/y/c.json"])
    await assert.rejects(() => owner.find(path), { kind: "absent" }, path);
  await assert.rejects(() => owner.find("/forest/a/b"), { kind: "notDirectory" });
  await assert.rejects(() => text(owner, "/forest/x"), { kind: "isDirectory" });
  assert.equal((await owner.append("/forest/a", "z")).kind, "refused");
});

test("a ticket reaches only its part of a subtree", async (context) => {
  const { kernel } = await hive();
  context.after(() => kernel.close());
  const narrow = kernel.attach(toyAuthority("n", { "/forest/x/y": ["read"] }), "test");
  const names = (await narrow.list(await narrow.find("/forest"))).map(({ name }) => name);
  assert.deepEqual(names, ["x"]);
  assert.equal(await text(narrow, "/forest/x/y/c"), "C");
  await assert.rejects(() => narrow.find("/forest/x/b"), { kind: "absent" });
});
