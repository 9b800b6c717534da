import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import type { Handle } from "@skep/kernel";
import { Uploads } from "./uploads.ts";

function files() {
  const open = new Set<string>();
  const file = (name: string) => async (): Promise<Handle> => {
    open.add(name);
    return { close: () => void open.delete(name) } as unknown as Handle;
  };
  return { open, file };
}

test("more uploads than have room wait for their turn, and only too long a line is refused", async () => {
  const { open, file } = files();
  const uploads = new Uploads(simulatedClock(), { active: 2, waiting: 2 });
  await uploads.take("a", 0, file("a"));
  await uploads.take("b", 0, file("b"));
  const c = uploads.take("c", 0, file("c"));
  const d = uploads.take("d", 5, file("d"));
  await assert.rejects(uploads.take("e", 0, file("e")), { code: "http.busy" });
  assert.deepEqual([...open], ["a", "b"]);
  await uploads.drop("a");
  await c;
  assert.deepEqual([...open], ["b", "c"]);
  // Refused in its turn, it leaves its place to others.
  await uploads.drop("b");
  await assert.rejects(d, { code: "http.offset" });
  await uploads.take("f", 0, file("f"));
  assert.deepEqual([...open], ["c", "f"]);
});

test("what was cut off holds no place, and the oldest of it goes first", async () => {
  const { open, file } = files();
  const uploads = new Uploads(simulatedClock(), { active: 1, resting: 2 });
  for (const name of ["a", "b", "c"]) {
    const upload = await uploads.take(name, 0, file(name));
    upload.offset = 7;
    await uploads.rest(name);
  }
  assert.deepEqual([...open], ["b", "c"]);
  assert.deepEqual([uploads.offset("a"), uploads.offset("b")], [undefined, 7]);
  await uploads.take("b", 7, file("b"));
  await assert.rejects(
    Promise.race([uploads.take("b", 7, file("b")), Promise.reject(new Error("waits"))]),
    /waits/,
  );
  await uploads.rest("b");
});

test("an upload of which nothing came is not kept, and what is kept goes after ten minutes", async () => {
  const { open, file } = files();
  const clock = simulatedClock();
  const uploads = new Uploads(clock);
  await uploads.take("a", 0, file("a"));
  await uploads.rest("a");
  assert.equal(uploads.size, 0);
  (await uploads.take("b", 0, file("b"))).offset = 1;
  await uploads.rest("b");
  await clock.advanceAsync(599_000);
  assert.deepEqual([...open], ["b"]);
  await clock.advanceAsync(1000);
  assert.deepEqual([...open], []);
});
