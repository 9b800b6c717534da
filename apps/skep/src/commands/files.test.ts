import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

let hive: TestHive;
before(async () => {
  hive = await startTestHive();
});
after(() => hive[Symbol.asyncDispose]());

test("ls lists directories with a slash, and says more with -l", async () => {
  const plain = await hive.skep(["ls", "/"]);
  assert.equal(plain.code, 0);
  assert.ok(plain.out.split("\n").includes("jobs/"));
  const long = await hive.skep(["ls", "-l", "/jobs"]);
  assert.match(long.out, /^-rw------- +0 .* ctl$/m);
  const json = await hive.skep(["ls", "/jobs", "--json"]);
  assert.ok(
    JSON.parse(json.out).some(
      ({ name, kind }: { name: string; kind: string }) => name === "ctl" && kind === "file",
    ),
  );
  assert.equal((await hive.skep(["ls", "/jobs/ctl"])).out, "/jobs/ctl\n");
});

test("what is not there ends with 3 and its name", async () => {
  const { code, err, out } = await hive.skep(["cat", "/jobs/nothing"]);
  assert.equal(code, 3);
  assert.equal(out, "");
  assert.match(err, /Cannot walk to "\/jobs\/nothing": no entry "nothing"/);
});

test("cat of a directory names what to use instead", async () => {
  const { code, err } = await hive.skep(["cat", "/jobs"]);
  assert.equal(code, 2);
  assert.match(err, /skep ls/);
});
