import assert from "node:assert/strict";
import { test } from "node:test";
import { defineProvider, fullAuthority, type Provider, type Session } from "@skep/kernel";
import { recordingFiles, simulatedClock, toyHive, toyProvider } from "@skep/testing";

const leaf = (name: string, more: object): Provider =>
  defineProvider<null>({
    name,
    doc: name,
    initial: () => null,
    events: {},
    mounts: (t) => ({
      [`/${name}`]: t.text(name, { render: () => "x" }),
      [`/${name}-fixed`]: t.text(name, { render: () => "x", fixed: true }),
    }),
    ...more,
  });

async function versions(session: Session): Promise<number[]> {
  const paths = ["/comb/count", "/figures", "/figures-fixed", "/views"];
  return Promise.all(paths.map(async (path) => (await session.stat(await session.find(path))).version));
}

test("versions grow with the slice, with those of others where views are used, and with time for figures", async (t) => {
  const clock = simulatedClock();
  const providers = [
    toyProvider(),
    leaf("figures", { journalled: false }),
    leaf("views", { uses: ["kernel"] }),
  ];
  const kernel = await toyHive({ files: recordingFiles(), clock, providers });
  t.after(() => kernel.close());
  const owner = kernel.attach(fullAuthority("owner"), "test");
  assert.deepEqual(await versions(owner), [0, clock.now(), 0, 1]);
  clock.advance(10);
  const { mtime } = await owner.stat(await owner.find("/figures"));
  assert.equal(mtime, kernel.time.now());
  await owner.append("/comb/ctl", { op: "hatch", bee: "maya" });
  assert.deepEqual(await versions(owner), [2, clock.now(), 0, 2]);
  kernel.drain("test");
  assert.deepEqual(await versions(owner), [2, clock.now(), 0, 3]);
});
