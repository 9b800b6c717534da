import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "./parse.ts";
import { sample } from "./sample.ts";

const table = sample();
const read = (line: string) => parse(table, line.split(" ").filter(Boolean));

function refused(line: string): string {
  const { fault } = read(line);
  assert.ok(fault, `accepted: ${line}`);
  assert.equal(fault.row.exit, 2);
  return `${fault.code} ${fault.message.split(": ").at(-1)} ${fault.cure}`;
}

test("a flag's value stands behind it or behind an equals sign, and is typed", () => {
  const { flags, args, fault } = read("run --time 1m30s --memory=64KiB m.wasm");
  assert.equal(fault, undefined);
  assert.deepEqual(flags, { time: 90_000, memory: 65_536, env: [] });
  assert.deepEqual(args, { file: "m.wasm", args: [] });
});

test("defaults are read like typed values and lists keep their order", () => {
  assert.deepEqual(read("run --env A=1 --env=B=2 m").flags, {
    time: 30_000,
    memory: undefined,
    env: ["A=1", "B=2"],
  });
});

test("what follows the first argument of run belongs to the module, help and globals too", () => {
  const { args, globals, fault } = read("run --quiet m.wasm --help --json -- -x --quiet");
  assert.equal(fault, undefined);
  assert.deepEqual(args, { file: "m.wasm", args: ["--help", "--json", "--", "-x", "--quiet"] });
  assert.equal(globals.quiet, true);
  assert.equal(globals.help, false);
  assert.equal(globals.json, false);
});

test("global flags stand anywhere, and help is heard behind a mistake", () => {
  assert.equal(read("--json ls /").globals.json, true);
  assert.equal(read("ls --home /h /").globals.home, "/h");
  assert.equal(read("ls --bogus --json -h").globals.help, true);
  assert.equal(read("ls --bogus --json").globals.json, true);
});

test("nothing behind a double dash is a flag", () => {
  assert.deepEqual(read("run -- --time").args, { file: "--time", args: [] });
});

test("a number below zero is an argument or a value, not a flag", () => {
  assert.equal(read("ticket revoke -5").args.ticket, "-5");
});

test("the last of a flag given twice counts", () => {
  assert.equal(read("--home /a ls --home /b").globals.home, "/b");
});

test("mistakes are named with their cure", () => {
  assert.equal(refused("lss"), 'cli.command "lss" Did you mean "skep ls"? See skep help');
  assert.equal(
    refused("ticket mnit"),
    'cli.command "ticket mnit" Did you mean "skep ticket mint"? See skep help ticket',
  );
  assert.equal(refused("ticket"), 'cli.incomplete "ticket" Write skep ticket mint, skep ticket revoke');
  assert.equal(refused("ls --lnog"), 'cli.flag "--lnog" Did you mean "--long"? See skep help ls');
  assert.equal(refused("run --time"), 'cli.needsValue "--time" Write --time=TIME');
  assert.equal(refused("run --memory --time 3s x"), 'cli.needsValue "--memory" Write --memory=BYTES');
  assert.equal(refused("ls --long=yes"), 'cli.takesNone "--long" Write --long alone, or leave it out');
  assert.equal(
    refused("run --time 30 x"),
    'cli.value "30" --time takes a number with a unit, as in 30s, 1h30m or 7d',
  );
  assert.equal(
    refused("ticket mint --role obsever"),
    'cli.value "obsever" Did you mean "observer"? --role takes one of queen, observer',
  );
  assert.equal(refused("ticket mint"), 'cli.missingFlag "--role" Role it gives. See skep help ticket mint');
  assert.equal(refused("run"), 'cli.missing "FILE" Module. See skep help run');
  assert.equal(refused("ls / /b"), 'cli.extra "/b" See skep help ls');
  assert.equal(refused("ls jobs"), 'cli.value "jobs" PATH takes a path of the hive, beginning with /');
});

test("flags and commands are never abbreviated", () => {
  assert.match(refused("ls --lon"), /^cli\.flag/);
  assert.match(refused("vers"), /^cli\.command "vers" Did you mean "skep version"/);
});

test("names of Object's own properties are unknown flags and commands", () => {
  assert.match(refused("ls --constructor"), /^cli\.flag/);
  assert.match(refused("toString"), /^cli\.command/);
});
