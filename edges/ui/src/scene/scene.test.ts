import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { jobOf } from "../state/model.ts";
import { HiveState } from "../state/hive.ts";
import { chainOf } from "../state/trace.ts";
import { detailAt, fit, toView, toWorld, zoomAt } from "./camera.ts";
import { layoutOf, nearest, neighbour, ringsOf, spiral } from "./layout.ts";
import { faceNames, type Mote, Picture, type Ring } from "./picture.ts";

const size = { width: 800, height: 600 };

function hive(count: number, site: (at: number) => string = (at) => (at % 3 === 0 ? "home" : "lab")) {
  let time = 0;
  const state = new HiveState(
    (act) => act(),
    () => time,
  );
  state.setMachines(Array.from({ length: count }, (_, at) => `w-${at}`));
  for (let at = 0; at < count; at += 1)
    state.setInfo(`w-${at}`, {
      id: `w-${at}`,
      present: true,
      slots: 2,
      class: "owned",
      labels: [`site=${site(at)}`],
    });
  return { state, picture: new Picture(state), pass: (ms: number) => (time += ms) };
}

test("no two machines share a cell, whatever the sites", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(4), { maxLength: 200 }), (sites) => {
      const { ids, x, y, radius, middle } = layoutOf(
        sites.map((site, at) => ({ id: `${at}`, site: `${site}` })),
      );
      for (let a = 0; a < ids.length; a += 1) {
        assert.ok(Math.abs((x[a] ?? 0) - middle.x) <= radius && Math.abs((y[a] ?? 0) - middle.y) <= radius);
        for (let b = a + 1; b < ids.length; b += 1)
          assert.ok(Math.hypot((x[a] ?? 0) - (x[b] ?? 0), (y[a] ?? 0) - (y[b] ?? 0)) > 0.99, `${a} and ${b}`);
      }
    }),
    { numRuns: 30 },
  );
});

test("a machine that joins moves nobody of its site", () => {
  const few = layoutOf(Array.from({ length: 20 }, (_, at) => ({ id: `${at}`, site: "" })));
  const more = layoutOf(Array.from({ length: 21 }, (_, at) => ({ id: `${at}`, site: "" })));
  assert.deepEqual([...more.x.slice(0, 20)], [...few.x]);
});

test("the hive has the middle of a comb to itself", () => {
  const { x, y } = layoutOf([{ id: "a", site: "" }]);
  assert.ok(Math.hypot(x[0] ?? 0, y[0] ?? 0) > 0.9);
  assert.equal(spiral(7).length, 7);
  assert.equal(ringsOf(7), 1);
  assert.equal(ringsOf(8), 2);
});

test("a job that is leased makes its machine glow and sends a mote there, and its end one back", () => {
  const { state, picture, pass } = hive(5);
  picture.update();
  picture.take();
  state.event({ seq: 9, event: "jobs:leased@1", data: { job: "9", worker: "w-2" } });
  const cells = picture.update();
  const at = cells.layout.index.get("w-2") ?? -1;
  assert.equal(cells.glow[at], 128);
  assert.equal(faceNames[cells.face[at] ?? 0], "busy");
  assert.deepEqual(picture.take(), [at]);
  const motes: Mote[] = Array.from({ length: 8 }, () => ({ x: 0, y: 0, alpha: 0, tone: "dim" }));
  pass(1090);
  assert.equal(picture.motes(1090, motes), 1);
  assert.ok(
    Math.hypot(
      (motes[0]?.x ?? 0) - (cells.layout.x[at] ?? 0),
      (motes[0]?.y ?? 0) - (cells.layout.y[at] ?? 0),
    ) < 0.1,
  );
  state.event({ seq: 10, event: "jobs:ended@1", data: { job: "9", worker: "w-2", state: "done" } });
  assert.equal(picture.motes(1102, motes), 1);
  assert.equal(motes[0]?.tone, "ok");
  assert.equal(picture.update().glow[at], 0);
});

test("a refusal pulses at its machine in the colour of its reason, and fades", () => {
  const { state, picture } = hive(3);
  picture.update();
  state.traced({ seq: 4, time: 1, subject: "w-1", path: "/jobs/ctl", verdict: "refused", code: "gate.rate" });
  const rings: Ring[] = [{ x: 0, y: 0, radius: 0, alpha: 0, tone: "dim" }];
  assert.equal(picture.rings(10, rings), 1);
  assert.equal(rings[0]?.tone, "violet");
  const { layout } = picture.cells;
  const at = layout.index.get("w-1") ?? -1;
  assert.equal(rings[0]?.x, layout.x[at]);
  assert.equal(picture.rings(5000, rings), 0);
});

test("machines that are away, frozen or unknown have faces of their own", () => {
  const { state, picture } = hive(4);
  state.setInfo("w-0", { id: "w-0", present: false });
  state.setInfo("w-1", { id: "w-1", present: true, owner: { state: "frozen", reason: "a game runs" } });
  state.setMachines(["w-0", "w-1", "w-2", "new"]);
  const { face, layout } = picture.update();
  const of = (id: string) => faceNames[face[layout.index.get(id) ?? -1] ?? -1];
  assert.deepEqual(["w-0", "w-1", "w-2", "new"].map(of), ["away", "frozen", "ready", "unknown"]);
  assert.equal(state.machines.get("w-1")?.reason, "a game runs");
});

test("names are written only where there is room for them", () => {
  const { picture } = hive(300);
  picture.update();
  const far = picture.labels(fit(picture.cells.layout, size), size, 80);
  assert.deepEqual(
    far.map(({ kind }) => kind),
    ["site", "site"],
  );
  const near = picture.labels({ x: 0, y: 0, scale: 80 }, size, 80);
  assert.ok(near.length <= 80 && near.some(({ kind }) => kind === "machine"));
});

test("a point goes to the view and back, and zooming keeps what is under the pointer", () => {
  const number = fc.double({ min: -50, max: 50, noNaN: true });
  fc.assert(
    fc.property(number, number, fc.double({ min: 4, max: 90, noNaN: true }), (x, y, scale) => {
      const camera = { x, y, scale };
      const there = toView(camera, 3, 4, size);
      const back = toWorld(camera, there.x, there.y, size);
      assert.ok(Math.hypot(back.x - 3, back.y - 4) < 1e-6);
      const zoomed = zoomAt(camera, 1.5, 100, 200, size);
      const [before, after] = [toWorld(camera, 100, 200, size), toWorld(zoomed, 100, 200, size)];
      assert.ok(Math.hypot(before.x - after.x, before.y - after.y) < 1e-6);
    }),
  );
  assert.deepEqual([5, 20, 60].map(detailAt), ["dots", "cells", "names"]);
});

test("every machine is reached with the arrow keys, and found where it stands", () => {
  const { picture } = hive(40, () => "");
  const { layout } = picture.update();
  const seen = new Set([0]);
  for (let more = true; more; ) {
    const before = seen.size;
    for (const from of [...seen])
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const)
        seen.add(neighbour(layout, from, dx, dy));
    more = seen.size > before;
  }
  assert.equal(seen.size, 40);
  for (let at = 0; at < 40; at += 1) assert.equal(nearest(layout, layout.x[at] ?? 0, layout.y[at] ?? 0), at);
  assert.equal(nearest(layout, 99, 99), -1);
});

test("a job that ends leaves its machine even where its events were missed", () => {
  const { state } = hive(2);
  state.setJob(jobOf("7", { state: "leased", worker: "w-1" }));
  assert.equal(state.machines.get("w-1")?.load, 0.5);
  state.setJob(jobOf("7", { state: "done", worker: "w-1", ended_ms: 5 }));
  assert.equal(state.machines.get("w-1")?.load, 0);
});

test("an act that waits for approval is no refusal", () => {
  const { state } = hive(1);
  const line = { seq: 7, time: 1, subject: "ann", path: "/queen/ctl", verdict: "refused" };
  state.traced({ ...line, code: "gate.waits", message: "Stored until it is approved" });
  state.traced({ ...line, seq: 8, code: "gate.rate", message: "Too many" });
  assert.deepEqual(
    state.acts.all.map(({ seq, verdict, text }) => [seq, verdict, text]),
    [[7, "waits", "Stored until it is approved"]],
  );
  assert.deepEqual(
    state.refusals.all.map(({ seq }) => seq),
    [8],
  );
});

test("a machine whose ends were missed runs no more than it has room for", () => {
  const { state } = hive(1);
  const slots = state.machines.get("w-0")?.slots ?? 0;
  for (let job = 0; job < 5000; job += 1)
    state.event({ seq: job, event: "jobs:leased@1", data: { job: String(job), worker: "w-0" } });
  const running = [...(state.machines.get("w-0")?.running ?? [])];
  assert.deepEqual([running.length, running.at(-1)], [16 + 4 * slots, "4999"]);
});

test("what came with one trace is a chain, whichever way it was judged", () => {
  const { state } = hive(1);
  const trace = (span: string) => `00-0af7651916cd43dd8448eb211c80319c-${span}-01`;
  const line = { time: 1, subject: "ann", path: "/jobs/ctl", command: {} };
  state.traced({ ...line, seq: 3, verdict: "ok", trace: trace("b7ad6b7169203331") });
  state.traced({ ...line, seq: 4, verdict: "ok" });
  state.traced({ ...line, seq: 2, verdict: "refused", code: "gate.rate", trace: trace("00f067aa0ba902b7") });
  state.traced({ ...line, seq: 5, verdict: "ok", trace: "another" });
  assert.deepEqual(
    chainOf(trace("0000000000000001"), state).map(({ seq, verdict }) => [seq, verdict]),
    [
      [2, "gate.rate"],
      [3, "ok"],
    ],
  );
  assert.deepEqual(
    chainOf("another", state).map(({ seq }) => seq),
    [5],
  );
});
