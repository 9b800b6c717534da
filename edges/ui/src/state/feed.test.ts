import assert from "node:assert/strict";
import { test } from "node:test";
import type { LiveEvent } from "@skep/http-client";
import { feed } from "./feed.ts";
import { HiveState } from "./hive.ts";

/** A page that follows a made-up hive; files are answered with what `files` has. */
function rig(files: (path: string) => unknown) {
  const state = new HiveState(
    (act) => act(),
    () => 0,
  );
  const asked: string[] = [];
  const followed = new Map<string, (event: LiveEvent) => void>();
  const json = async <T>(path: string): Promise<T> => {
    asked.push(path);
    return files(path) as T;
  };
  feed(state, {
    api: { json, text: () => Promise.reject(new Error("no text")) },
    live: {
      follow: (path, hear) => {
        followed.set(path, hear);
        return () => followed.delete(path);
      },
    },
    now: () => 0,
    every: () => () => undefined,
  });
  const list = (path: string, names: readonly string[]) =>
    followed.get(path)?.({
      event: "list",
      cursor: "1",
      data: { entries: names.map((name) => ({ name, kind: "dir" })) },
    } as LiveEvent);
  const settle = () => new Promise(setImmediate);
  return { state, asked, list, settle };
}

const idsOf = (count: number) => Array.from({ length: count }, (_, at) => `w-${at}`);

test("a few machines are read at once, each with its owner's word", async () => {
  const { state, list, settle } = rig((path) =>
    path.endsWith("owner.json") ? { state: "frozen", reason: "somebody types" } : { id: "w", present: true },
  );
  list("/worker", idsOf(3));
  await settle();
  assert.deepEqual(
    [...state.machines.values()].map((machine) => [machine.state, machine.reason]),
    Array(3).fill(["frozen", "somebody types"]),
  );
});

test("of thousands one file tells who is there, and nothing waits for the rest", async () => {
  const ids = idsOf(2000);
  const { state, asked, list, settle } = rig((path) =>
    path === "/worker.json"
      ? ids.map((id, at) => ({ id, present: at % 2 === 0 }))
      : new Promise(() => undefined),
  );
  list("/worker", ids);
  await settle();
  const states = [...state.machines.values()].map((machine) => machine.state);
  assert.deepEqual(
    ["ready", "away", "unknown"].map((one) => states.filter((state) => state === one).length),
    [1000, 1000, 0],
  );
  assert.deepEqual(
    asked.filter((path) => path.startsWith("/worker")),
    ["/worker/w-0/info.json", "/worker.json"],
  );
});

test("only acts that still wait for people are counted as such, and one that is gone is forgotten", async () => {
  const became: Readonly<Record<string, string>> = { "7": "waiting", "8": "expired", "9": "waiting" };
  const { state, list, settle } = rig((path) => ({ state: became[path.split("/")[2] ?? ""] }));
  list("/actions", ["7", "8", "9"]);
  await settle();
  assert.equal(state.waiting, 2);
  list("/actions", ["8", "9"]);
  await settle();
  assert.equal(state.waiting, 1);
});
