import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { lockHome } from "@skep/storage";

const held = process.argv[2];
if (held !== undefined) {
  lockHome(held);
  process.stdout.write("locked\n");
  process.stdin.resume();
} else {
  const root = mkdtempSync(join(tmpdir(), "skep-lock-"));
  after(() => rmSync(root, { recursive: true, force: true }));
  const fresh = () => mkdtempSync(join(root, "home-"));

  test("a home is locked once, and again after it was released", () => {
    const home = fresh();
    const lock = lockHome(home);
    assert.throws(() => lockHome(home), {
      code: "home.held",
      kind: "conflict",
      message: `Cannot lock home ${JSON.stringify(home)}: process ${process.pid} holds it`,
    });
    lock.release();
    lock.release();
    lockHome(home).release();
  });

  test("two homes do not stand in each other's way", () => {
    using first = lockHome(fresh());
    using second = lockHome(fresh());
    assert.notEqual(first.home, second.home);
  });

  test("a lock dies with its process, however that ends", async () => {
    const home = fresh();
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), home], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    await new Promise((resolve) => child.stdout.once("data", resolve));
    assert.throws(() => lockHome(home), { message: new RegExp(`process ${child.pid} holds it`) });
    child.kill("SIGKILL");
    await new Promise((resolve) => child.once("close", resolve));
    lockHome(home).release();
  });

  test("a note of the holder that is missing or wrong changes only the words", () => {
    const home = fresh();
    using lock = lockHome(home);
    for (const words of ["", "not json", '{"pid":"x"}']) {
      writeFileSync(join(lock.home, "lock", "holder.json"), words);
      assert.throws(() => lockHome(home), { code: "home.held", message: /another process holds it/ });
    }
  });

  test("a home with a path of 200 characters can be locked, for its owner only", () => {
    const home = join(fresh(), "x".repeat(200 - root.length), "home");
    using lock = lockHome(home);
    assert.equal(statSync(join(lock.home, "lock")).mode & 0o777, 0o700);
    assert.equal(statSync(join(lock.home, "lock", "home")).mode & 0o777, 0o600);
  });
}
