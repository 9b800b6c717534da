import assert from "node:assert/strict";
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { checkHome, findHome, findSocket, makeHome, placeSocket } from "./mod.ts";

const root = mkdtempSync(join(tmpdir(), "skep-home-"));
after(() => rmSync(root, { recursive: true }));
const uid = process.getuid?.() ?? 0;

test("a home is --home, SKEP_HOME, the XDG state directory or below the user's own", () => {
  const userHome = "/home/ada";
  assert.equal(findHome({ flag: "/f", env: { SKEP_HOME: "/e" }, userHome }), "/f");
  assert.equal(findHome({ env: { SKEP_HOME: "/e", XDG_STATE_HOME: "/s" }, userHome }), "/e");
  assert.equal(findHome({ env: { XDG_STATE_HOME: "/s" }, userHome }), "/s/skep");
  assert.equal(findHome({ env: { XDG_STATE_HOME: "relative" }, userHome }), "/home/ada/.local/state/skep");
});

test("a home is made once with mode 0700", () => {
  const path = join(root, "deep", "home");
  assert.equal(checkHome(path, uid), false);
  assert.equal(makeHome(path, uid), true);
  assert.equal(makeHome(path, uid), false);
  assert.equal(statSync(path).mode & 0o777, 0o700);
});

test("a home that others may enter, that is someone else's or no directory is refused with its cure", () => {
  const path = join(root, "wide");
  makeHome(path, uid);
  assert.throws(() => makeHome(path, uid + 1), { code: "config.home", message: /belongs to user/ });
  chmodSync(path, 0o710);
  assert.throws(() => checkHome(path, uid), {
    code: "config.home",
    message: /mode 710/,
    cure: `Run chmod 700 ${path}`,
  });
  writeFileSync(join(root, "file"), "");
  assert.throws(() => checkHome(join(root, "file"), uid), { message: /it is no directory/ });
});

const long = (name: string) => join(root, name, "x".repeat(200));

function places(home: string, runtime?: string) {
  makeHome(home, uid);
  return { home, uid, tempDir: root, env: runtime === undefined ? {} : { XDG_RUNTIME_DIR: runtime } };
}

test("a short home has its socket inside, and a client needs no environment to find it", () => {
  const home = join(root, "short");
  assert.equal(placeSocket(places(home, "/run/user/7")), join(home, "skep.sock"));
  assert.equal(findSocket(places(home)), join(home, "skep.sock"));
});

test("the socket of a home of 200 characters can be bound, and a client with another environment finds it", async () => {
  const runtime = join(root, "run");
  makeHome(runtime, uid);
  const path = placeSocket(places(long("a"), runtime));
  assert.ok(path.startsWith(`${runtime}/skep-`));
  assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
  assert.equal(findSocket(places(long("a"))), path);
  const server = createServer().listen(path);
  await new Promise((resolve) => server.once("listening", resolve));
  await new Promise((resolve) => server.close(resolve));
});

test("a home reached by a symlink has the same socket", () => {
  const path = placeSocket(places(long("b")));
  symlinkSync(join(root, "b"), join(root, "link"));
  assert.equal(findSocket({ ...places(long("b")), home: long("link") }), path);
});

test("a copied home does not lead to the socket of the one it was copied from", () => {
  const path = placeSocket(places(long("c")));
  mkdirSync(join(root, "d"));
  cpSync(join(root, "c"), join(root, "d"), { recursive: true });
  chmodSync(long("d"), 0o700);
  assert.notEqual(findSocket(places(long("d"))), path);
});

test("a socket's directory that others may enter is refused", () => {
  const path = placeSocket(places(long("e")));
  chmodSync(join(path, ".."), 0o755);
  assert.throws(() => findSocket(places(long("e"))), { code: "config.home" });
  assert.throws(() => placeSocket(places(long("e"))), { code: "config.home" });
});
