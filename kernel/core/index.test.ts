import assert from "node:assert/strict";
import test from "node:test";
import {
  defineProvider,
  emitter,
  fullAuthority,
  type Index,
  type IndexEntry,
  Kernel,
  type Provider,
} from "@skep/kernel";
import { recordingFiles, simulatedClock } from "@skep/testing";
import { z } from "zod";

const events = { "gone@1": (_slice: null, _data: { bee: string }) => undefined } as const;
const emit = emitter(events);

function bees(): Provider {
  return defineProvider<null>({
    name: "bees",
    doc: "Bees that go",
    initial: () => null,
    events,
    index: { "gone@1": ({ bee }: { bee: string }, { seq }) => ({ kind: "bee", key: bee, seq }) },
    mounts: (t) => ({
      "/bees": t.dir("Bees", {
        ctl: t.control("Let one go", {
          input: z.strictObject({ go: z.string() }),
          undo: "reversible",
          decide: ({ go }) => ({ events: [emit("gone@1", { bee: go })] }),
        }),
      }),
    }),
  });
}

function memoryIndex(upTo: number): Index & { readonly entries: IndexEntry[] } {
  const entries: IndexEntry[] = [];
  let reached = upTo;
  return {
    entries,
    get upTo() {
      return reached;
    },
    add: (more, next) => {
      entries.push(...more.filter(({ kind }) => kind !== "touch"));
      reached = next;
    },
    find: async (_kind, key) => entries.find((entry) => entry.key === key)?.seq,
    page: async () => entries,
    count: async () => entries.length,
    touched: async () => [],
    close: async () => undefined,
  };
}

function open(files: ReturnType<typeof recordingFiles>, index: Index): Promise<Kernel> {
  return Kernel.open({
    files,
    index,
    clock: simulatedClock(),
    providers: [bees()],
    version: "test",
    defer: (act) => void setImmediate(act),
    fatal: (error) => {
      throw error;
    },
    chance: () => "",
    born: () => ({ id: "h", name: "h" }),
  });
}

test("a start tells the index what it has missed, and nothing twice", async () => {
  const files = recordingFiles();
  const before = memoryIndex(0);
  const kernel = await open(files, before);
  const owner = kernel.attach(fullAuthority("owner"), "test");
  for (const bee of ["maja", "willi", "flip"]) await owner.append("/bees/ctl", { go: bee });
  await kernel.close();
  assert.deepEqual(
    before.entries.map(({ key }) => key),
    ["maja", "willi", "flip"],
  );
  const thrownAway = memoryIndex(0);
  await (await open(recordingFiles(files.image()), thrownAway)).close();
  assert.deepEqual(thrownAway.entries, before.entries);
  const late = memoryIndex((before.entries[1]?.seq ?? 0) + 1);
  await (await open(recordingFiles(files.image()), late)).close();
  assert.deepEqual(late.entries, before.entries.slice(2));
});
