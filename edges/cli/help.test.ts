import assert from "node:assert/strict";
import { test } from "node:test";
import { command } from "./command.ts";
import { createFakeIo } from "./fake-io.ts";
import { program } from "./program.ts";
import { runProgram } from "./run.ts";
import { sample } from "./sample.ts";

async function shown(argv: readonly string[], columns = 80) {
  const io = createFakeIo(argv, { tty: true, columns, env: { NO_COLOR: "1" } });
  const code = await runProgram(sample(), io);
  return { code, out: io.out(), err: io.err() };
}

test("the first page lists commands by task and hides hidden ones", async () => {
  const { code, out } = await shown([]);
  assert.equal(code, 0);
  assert.match(out, /\nRead and write files\n {2}ls +List a directory of the hive\n/);
  assert.match(out, /\n {2}ticket mint +Mint a ticket\n/);
  assert.doesNotMatch(out, /__complete/);
});

test("every way to a command's page gives the same page, and runs nothing", async () => {
  const page = (await shown(["help", "ticket", "mint"])).out;
  for (const argv of [
    ["ticket", "mint", "--help"],
    ["ticket", "mint", "-h"],
    ["--help", "ticket", "mint"],
    ["ticket", "mint", "--role", "bogus", "--help"],
  ])
    assert.deepEqual(await shown(argv), { code: 0, out: page, err: "" });
  assert.ok(page.indexOf("Examples") < page.indexOf("Usage"));
  assert.match(page, /\n {2}skep ticket mint --role queen\|observer\n/);
});

test("a family has a page of its own", async () => {
  const { out } = await shown(["help", "ticket"]);
  assert.match(out, /\n {2}ticket revoke +Revoke a ticket\n/);
});

test("no line of help is wider than its terminal, unless a word or a usage line is", async () => {
  const { out } = await shown(["help"], 50);
  for (const line of out.split("\n")) assert.ok(line.length <= 50, line);
});

test("help for what is not there suggests what is", async () => {
  const { code, err } = await shown(["help", "tickt"]);
  assert.equal(code, 2);
  assert.match(err, /Did you mean "skep help ticket"\?/);
});

test("a dangerous command shows how to agree beforehand", async () => {
  assert.match((await shown(["help", "ticket", "revoke"])).out, /--confirm NAME/);
});

test("help and version are data with --json", async () => {
  const help = createFakeIo(["help", "run", "--json"]);
  await runProgram(sample(), help);
  const described = JSON.parse(help.out());
  assert.equal(described.commands[0].usage, "skep run [flags] FILE [ARGS…]");
  const version = createFakeIo(["--version", "--json"]);
  await runProgram(sample(), version);
  assert.deepEqual(JSON.parse(version.out()), { name: "skep", version: "1.2.3", node: "24.0.0" });
});

function declared(change: Partial<Parameters<typeof command>[0]>): () => unknown {
  const one = command({
    name: "x",
    group: "g",
    summary: "X",
    examples: [{ run: "skep x", doc: "" }],
    run: () => {},
    ...change,
  });
  return () =>
    program({
      name: "skep",
      version: "1",
      summary: "",
      examples: [],
      groups: [{ key: "g", title: "G" }],
      commands: [one],
      completers: {},
    });
}

test("mistakes in the table of commands fail at start", () => {
  assert.doesNotThrow(declared({}));
  assert.throws(declared({ group: "nowhere" }), /unknown group "nowhere"/);
  assert.throws(declared({ examples: [] }), /no example/);
  assert.throws(declared({ examples: [{ run: "skep y", doc: "" }] }), /something else/);
  assert.throws(declared({ flags: { json: { kind: "boolean", doc: "d" } } }), /global/);
  assert.throws(declared({ flags: { a: { kind: "choice", doc: "d" } } }), /needs choices/);
  assert.throws(declared({ passthrough: true }), /declares no rest/);
  assert.throws(
    declared({
      args: [
        { name: "a", kind: "string", doc: "d", rest: true },
        { name: "b", kind: "string", doc: "d" },
      ],
    }),
    /must be the last/,
  );
});
