import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Fault } from "@skep/fault";
import { fileFault } from "./file-faults.ts";
import { startTestHive, type TestHive } from "./testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
  writeFileSync(join(hive.dir, "there"), "");
  mkdirSync(join(hive.dir, "folder"));
});
after(() => hive[Symbol.asyncDispose]());

test("a mistake with a file is told with its name, the reason and a cure, and is no internal error", async () => {
  const at = (name: string): string => join(hive.dir, name);
  const cases: readonly (readonly [readonly string[], number, string])[] = [
    [["audit", "verify", at("nope")], 3, `Cannot read "${at("nope")}": no such file`],
    [["audit", "cat", at("nope")], 3, `Cannot read "${at("nope")}": no such file`],
    [["audit", "verify", at("folder")], 2, "Cannot read file: it is a directory"],
    [["audit", "verify", "--since", at("nope")], 3, `Cannot read "${at("nope")}": no such file`],
    [["restore", at("nope"), "--home", at("new")], 3, `Cannot read "${at("nope")}": no such file`],
    [["audit", "export", at("there")], 8, `Cannot open "${at("there")}": there is such a file`],
    [["audit", "export", at("no/x")], 3, `Cannot open "${at("no/x")}": there is no directory "${at("no")}"`],
    [["backup", at("no/x")], 3, `Cannot open "${at("no/x.part")}": there is no directory "${at("no")}"`],
    [["backup", at("there/x")], 3, `Cannot open "${at("there/x")}": a part of its path is a file`],
  ];
  for (const [words, code, text] of cases) {
    const ran = await hive.skep(words);
    assert.ok(ran.err.includes(text), `${words.join(" ")}: ${ran.err}`);
    assert.match(ran.err, /\n {2}\S/, words.join(" "));
    assert.equal(ran.code, code, words.join(" "));
  }
});

test("what a user may not do is told as denied, and what is no file is left alone", () => {
  const made = (code: string, syscall: string, path?: string): Error =>
    Object.assign(new Error(code), { code, syscall, ...(path !== undefined && { path }) });
  const told = (error: Error): readonly unknown[] => {
    const fault = fileFault(error);
    return fault instanceof Fault ? [fault.kind, fault.message] : ["as it was"];
  };
  assert.deepEqual(told(made("EACCES", "mkdir", "/h/lock")), [
    "denied",
    'Cannot make "/h/lock": permission denied',
  ]);
  assert.deepEqual(told(made("EROFS", "open", "/h/x")), [
    "denied",
    'Cannot open "/h/x": its file system is read-only',
  ]);
  assert.deepEqual(told(made("ENOSPC", "write")), [
    "busy",
    "Cannot write file: there is no room on its file system",
  ]);
  assert.deepEqual(told(made("ENOENT", "connect", "/h/skep.sock")), ["as it was"]);
  assert.deepEqual(told(made("ENOENT", "spawn git", "git")), ["as it was"]);
});
