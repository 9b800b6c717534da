import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { findFusermount, mountedIn, prepareDir, unmountHive } from "./place.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-place-"));
after(() => rmSync(dir, { recursive: true, force: true }));

const mountinfo = `22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/vda rw
40 22 0:50 / /mnt/a\\040hive rw,nosuid - fuse.skep skep rw,user_id=0
41 40 0:51 / /mnt/a\\040hive rw shared:9 master:1 - 9p /home/a\\040b/skep.sock rw
`;

test("what is mounted at a place is the mount on top, also where its name has a space", () => {
  assert.deepEqual(mountedIn(mountinfo, "/mnt/a hive"), { type: "9p", source: "/home/a b/skep.sock" });
  assert.deepEqual(mountedIn(mountinfo, "/"), { type: "ext4", source: "/dev/vda" });
  assert.equal(mountedIn(mountinfo, "/mnt"), undefined);
});

test("a directory to mount on is made for its owner alone, or is there and empty", () => {
  const place = join(dir, "hive");
  assert.equal(prepareDir(place), true);
  assert.equal(statSync(place).mode & 0o777, 0o700);
  assert.equal(prepareDir(place), false);
  writeFileSync(join(place, "file"), "");
  assert.throws(() => prepareDir(place), { code: "mount.full" });
  assert.throws(() => prepareDir(join(place, "file")), { code: "mount.dir" });
  assert.throws(() => prepareDir(join(dir, "no", "hive")), { code: "mount.parent" });
  assert.throws(() => prepareDir("/proc"), { code: "mount.mounted" });
});

test("what is mounted is found by the name of a link too, and links in a circle are none", async () => {
  const [link, circle] = [join(dir, "link"), join(dir, "circle")];
  symlinkSync("/proc", join(dir, "first"));
  symlinkSync("first", link);
  symlinkSync("circle", circle);
  assert.throws(() => prepareDir(link), { code: "mount.mounted" });
  await assert.rejects(unmountHive(link, {}), { code: "mount.foreign" });
  await assert.rejects(unmountHive(circle, {}), { code: "mount.none" });
});

test("nothing but a hive is unmounted", async () => {
  await assert.rejects(unmountHive("/proc", {}), { code: "mount.foreign" });
  await assert.rejects(unmountHive(dir, {}), { code: "mount.none" });
});

test("fusermount3 is taken before fusermount, and what cannot be run is not taken", () => {
  const [old, both] = [join(dir, "fusermount"), join(dir, "fusermount3")];
  writeFileSync(old, "", { mode: 0o755 });
  writeFileSync(both, "", { mode: 0o644 });
  const here = findFusermount({ PATH: "relative" });
  assert.equal(findFusermount({ PATH: dir }), here?.endsWith("3") ? here : old);
  rmSync(both);
  writeFileSync(both, "", { mode: 0o755 });
  assert.equal(findFusermount({ PATH: dir }), both);
});
