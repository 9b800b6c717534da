import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cgroupLayout } from "./cgroup.ts";
import { encode, FrameCutter } from "./frames.ts";
import { interpreterOf, mappedLibraries } from "./libraries.ts";
import { type Need, partOf } from "./bundle.ts";
import { Turns } from "./turns.ts";

test("frames come out as they went in, however the stream is cut", () => {
  const frames = fc.array(fc.record({ kind: fc.nat(255), payload: fc.uint8Array({ maxLength: 300 }) }));
  fc.assert(
    fc.property(frames, fc.integer({ min: 1, max: 50 }), (list, step) => {
      const bytes = Buffer.concat(list.flatMap(({ kind, payload }) => encode(kind, payload)));
      const cutter = new FrameCutter(() => 300);
      const seen = [];
      for (let at = 0; at < bytes.length; at += step) {
        cutter.push(bytes.subarray(at, at + step));
        for (let got = cutter.next(); got; got = cutter.next()) seen.push(got);
      }
      assert.deepEqual(
        seen.map(({ kind, payload }) => [kind, ...payload]),
        list.map(({ kind, payload }) => [kind, ...payload]),
      );
    }),
  );
});

test("a frame longer than its kind allows is refused before its payload comes", () => {
  const cutter = new FrameCutter((kind) => (kind === 1 ? 10 : -1));
  cutter.push(Buffer.from([1, 11, 0, 0, 0]));
  assert.throws(() => cutter.next(), /kind 1 with 11 bytes/);
  const other = new FrameCutter((kind) => (kind === 1 ? 10 : -1));
  other.push(Buffer.from([2, 0, 0, 0, 0]));
  assert.throws(() => other.next(), /kind 2/);
});

test("control groups are found in version 1, hybrid and version 2 layouts", () => {
  const v1 =
    "35 31 0:30 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n36 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";
  assert.deepEqual(cgroupLayout("8:pids:/\n4:memory:/a/b\n0::/\n", v1), {
    version: 1,
    memory: "/sys/fs/cgroup/memory/a/b",
    pids: "/sys/fs/cgroup/pids",
  });
  const v2 = "30 24 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";
  assert.deepEqual(cgroupLayout("0::/system.slice/skep.service\n", v2), {
    version: 2,
    memory: "/sys/fs/cgroup/system.slice/skep.service",
    pids: "/sys/fs/cgroup/system.slice/skep.service",
  });
  assert.equal(cgroupLayout("0::/\n", "22 1 0:20 / / rw - ext4 /dev/a rw\n"), undefined);
});

test("libraries are bound under the name that the loader asks for", () => {
  const maps =
    "7f00-7f01 r-xp 0000 fe:00 1 /usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30\n" +
    "7f02-7f03 r-xp 0000 fe:00 2 /usr/lib/x86_64-linux-gnu/libc.so.6\n" +
    "7f04-7f05 rw-p 0000 00:00 0 [heap]\n7f06-7f07 r--p 0000 fe:00 3 /opt/node\n";
  assert.deepEqual(mappedLibraries(maps), [
    { from: "/usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30", to: "/usr/lib/x86_64-linux-gnu/libstdc++.so.6" },
    { from: "/usr/lib/x86_64-linux-gnu/libc.so.6", to: "/usr/lib/x86_64-linux-gnu/libc.so.6" },
  ]);
  assert.equal(interpreterOf(Buffer.from("#!/bin/sh\n")), undefined);
});

test("a module in the house's forms becomes a function body, any other form is refused", () => {
  const link = ({ from, name }: Need) => `need(${JSON.stringify(from)}).${name}`;
  const { needs, body } = partOf('import { a, b as c } from "./x.ts";\nexport const d = a + c;\n', "y", link);
  assert.deepEqual(needs, [
    { from: "./x.ts", name: "a" },
    { from: "./x.ts", name: "b" },
  ]);
  const give: Record<string, unknown> = {};
  new Function("need", "give", body)(() => ({ a: 1, b: 2 }), give);
  assert.deepEqual(give, { d: 3 });
  assert.throws(() => partOf('import * as x from "node:fs";', "z.ts", link), /Cannot bundle "z.ts"/);
});

test("turns are given in the order of asking, and an aborted wait takes none", async () => {
  const turns = new Turns(1);
  const first = await turns.take();
  const stop = new AbortController();
  const second = turns.take(stop.signal);
  const third = turns.take();
  stop.abort();
  assert.equal((await second).granted, false);
  await first[Symbol.asyncDispose]();
  assert.equal((await third).granted, true);
});
