import assert from "node:assert/strict";
import { test } from "node:test";
import { type AppendFile, defineProvider, fullAuthority } from "@skep/kernel";
import { workersProvider } from "@skep/provider-workers";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { Figures, ringsProvider, telemetryProvider } from "./mod.ts";

const spawner = defineProvider({
  name: "spawner",
  doc: "One worker, for tests",
  initial: () => null,
  events: {},
  offers: {
    spawned: () => ({ ids: () => ["worker-1"], has: (id: string) => id === "worker-1" }),
  },
  mounts: () => ({}),
});

test("a hive that is closed holds no file of telemetry open, neither a segment's nor that of kept rings", async (t) => {
  const files = recordingFiles();
  const held = new Set<AppendFile>();
  const names = new Set<string>();
  const open = files.open.bind(files);
  t.mock.method(files, "open", async (name: string) => {
    const file = await open(name);
    const close = file.close.bind(file);
    held.add(file);
    names.add(name.replace(/\/.*/, ""));
    t.mock.method(file, "close", () => {
      held.delete(file);
      return close();
    });
    return file;
  });
  const clock = simulatedClock();
  const quotas = { devices: 2, segments: 4, segmentBytes: 4096, recordBytes: 128 };
  const ring = { ringBytes: 4096, keep: true, advances: 0, resumes: 0 };
  const kernel = await toyHive({
    files,
    clock,
    providers: [
      spawner,
      workersProvider(),
      telemetryProvider({ files, clock, quotas: { ...quotas, whenFull: "refuse" }, denies: () => 0 }),
      ringsProvider({ files, figures: new Figures(clock), quotas: ring }),
    ],
  });
  const queen = kernel.attach(fullAuthority("owner"), "test");
  await queen.append("/queen/telemetry/d/ctl", '{"new":"segment","mime":"text/plain"}');
  const [{ id }] = JSON.parse(
    Buffer.from(await queen.read("/queen/telemetry/d/latest.json")).toString(),
  ).segments;
  assert.equal((await queen.append(`/queen/telemetry/d/seg/${id}`, "a record\n")).verdict, "ok");
  assert.equal((await queen.append("/worker/worker-1/telemetry", "tick 1\n")).verdict, "ok");
  assert.ok(names.has("telemetry") && names.has("rings"), `${[...names]} were opened`);
  await kernel.close();
  assert.equal(held.size, 0);
});
