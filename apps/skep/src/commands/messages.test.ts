import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
let wrong: string;
before(async () => {
  hive = await startTestHive();
  wrong = join(hive.dir, "wrong.txt");
  writeFileSync(wrong, "nothing of that kind\n");
  mkdirSync(join(hive.dir, "empty"));
});
after(() => hive[Symbol.asyncDispose]());

interface Case {
  readonly argv: readonly string[];
  readonly code: number;
  readonly says: RegExp;
}

/** Each says what is wrong in words of whoever typed it, and what to do. */
const cases = (): readonly Case[] => [
  { argv: ["why", "99999"], code: 3, says: /Cannot find a record, job.*"99999"/ },
  { argv: ["why", "nobody"], code: 3, says: /Cannot find .*"nobody"/ },
  { argv: ["approve", "99999"], code: 3, says: /Cannot find action: "99999"/ },
  { argv: ["approvals", "99999"], code: 3, says: /Cannot find action: "99999"/ },
  { argv: ["reject", "99999"], code: 3, says: /Cannot find action: "99999"/ },
  { argv: ["undo", "99999", "--yes"], code: 3, says: /Cannot find record: "99999"/ },
  { argv: ["undo", "0", "--yes"], code: 4, says: /Cannot undo/ },
  { argv: ["jobs", "99999"], code: 3, says: /Cannot find job: "99999"/ },
  { argv: ["ledger", "show", "nobody"], code: 3, says: /Cannot find account: "nobody"/ },
  { argv: ["audit", "replay", "--from", "2", "--to", "1"], code: 2, says: /--from is beyond --to/ },
  { argv: ["audit", "cat", "--from", "2", "--to", "1"], code: 2, says: /--from is beyond --to/ },
  { argv: ["audit", "cat", "--from", "-1"], code: 2, says: /--from takes a number of at least 0/ },
  { argv: ["evidence", "timeline", "--from", "2", "--to", "1"], code: 2, says: /--from is beyond --to/ },
  {
    argv: ["evidence", "pack", join(hive.dir, "p"), "--from", "2", "--to", "1"],
    code: 2,
    says: /--from is beyond/,
  },
  { argv: ["audit", "verify", "--since", wrong], code: 2, says: /no checkpoint: ".*wrong\.txt"/ },
  {
    argv: ["ledger", "verify", wrong],
    code: 2,
    says: /Cannot read exported history: ".*wrong\.txt"\n.*ledger export/,
  },
  { argv: ["evidence", "verify", wrong], code: 2, says: /no pack: ".*wrong\.txt"/ },
  { argv: ["evidence", "verify", join(hive.dir, "empty")], code: 2, says: /no pack: ".*empty"/ },
  { argv: ["witness", "--log", "foo"], code: 2, says: /no verifier key: "foo"/ },
  { argv: ["run", "--replicas", "0", "x.wasm"], code: 125, says: /--replicas takes a number from 1 to 9/ },
  { argv: ["run", "--class", "nope", "x.wasm"], code: 125, says: /--class takes one of owned, borrowed/ },
  { argv: ["run", "--data", "nope", "x.wasm"], code: 125, says: /--data takes one of public, internal/ },
  { argv: ["run", "--priority", "101", "x.wasm"], code: 125, says: /--priority takes a number from -100/ },
  { argv: ["unban", "x"], code: 2, says: /Cannot lift a ban without its number: "x"/ },
];

test("what is not there or is not what it should be is told by its own name, with a cure, on stderr and as JSON", async () => {
  for (const { argv, code, says } of cases()) {
    const name = argv.join(" ");
    const told = await hive.skep(argv);
    assert.deepEqual([name, told.code, told.out], [name, code, ""]);
    assert.match(told.err, says, name);
    assert.match(told.err, /\n {2}\S/, `${name} has no cure`);
    // No path of the tree that was not typed, and no words of the schema's library.
    assert.doesNotMatch(told.err, /\/(audit|actions|policy)\/|expected|Invalid/, name);
    const { error } = JSON.parse((await hive.skep([...argv, "--json"].toSorted(before_))).out.trim());
    assert.equal(typeof error.cure, "string", name);
  }
});

// `run` hands what stands behind its file on to the module.
function before_(one: string, other: string): number {
  return Number(one.endsWith(".wasm")) - Number(other.endsWith(".wasm"));
}

test("a list of nothing tells what would be there and how to make one, and is an empty array as JSON", async () => {
  const lists = [
    ["nodes"],
    ["bans"],
    ["invites"],
    ["approvals"],
    ["jobs"],
    ["ledger", "show"],
    ["context", "list"],
  ];
  for (const argv of lists) {
    const told = await hive.skep(argv);
    assert.deepEqual([argv[0], told.code, told.out], [argv[0], 0, ""]);
    assert.match(told.err, /`skep /, argv.join(" "));
    assert.deepEqual(JSON.parse((await hive.skep([...argv, "--json"])).out), [], argv.join(" "));
  }
});
