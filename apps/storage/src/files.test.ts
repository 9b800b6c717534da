import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { openFiles } from "@skep/storage";
import { filesSuite } from "@skep/testing";
import { DiskAppend, writeAll } from "./append.ts";

const root = mkdtempSync(join(tmpdir(), "skep-files-"));
after(() => rmSync(root, { recursive: true, force: true }));
const fresh = () => mkdtempSync(join(root, "home-"));

filesSuite("files on disk", async () => openFiles(fresh()));

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);

test("files are for their owner only, and so are the directories made for them", async () => {
  const dir = fresh();
  const files = openFiles(dir);
  await (await files.open("a/b/log")).close();
  await files.replace("a/state", Buffer.from("x"));
  assert.deepEqual(
    ["a", "a/b", "a/b/log", "a/state"].map((name) => mode(join(dir, name))),
    ["700", "700", "600", "600"],
  );
});

test("a link that leads out of the directory is neither read nor written", async () => {
  const dir = fresh();
  const outside = join(fresh(), "secret");
  writeFileSync(outside, "secret");
  symlinkSync(outside, join(dir, "link"));
  const files = openFiles(dir);
  await assert.rejects(files.read("link", 0, 6));
  await assert.rejects(files.open("link"));
  await assert.rejects(files.truncate("link", 0));
  assert.equal(statSync(outside).size, 6);
});

test("no temporary file stays after a replacement", async () => {
  const dir = fresh();
  await openFiles(dir).replace("state", Buffer.from("x"));
  assert.deepEqual(readdirSync(dir), ["state"]);
});

test("what the system takes a few bytes at a time is written whole and in order", async () => {
  const parts = ["", "abc", "d", "", "efghij", "k"].map((part) => Buffer.from(part));
  for (const step of [1, 2, 3, 4, 7, 100]) {
    let written = "";
    const handle = {
      writev: async <T extends readonly NodeJS.ArrayBufferView[]>(buffers: T) => {
        const all = Buffer.concat(buffers as unknown as Uint8Array[]).subarray(0, step);
        written += all.toString();
        return { bytesWritten: all.length, buffers };
      },
    };
    await writeAll(handle, parts);
    assert.equal(written, "abcdefghijk", `${step} bytes at a time`);
  }
});

test("a write that takes nothing fails instead of going on for ever", async () => {
  const handle = {
    writev: async <T extends readonly NodeJS.ArrayBufferView[]>(buffers: T) => ({ bytesWritten: 0, buffers }),
  };
  await assert.rejects(writeAll(handle, [Buffer.from("x")]), /no byte/);
});

test("after a failed sync the file is neither synced nor written again", async () => {
  const calls: string[] = [];
  const failing = {
    writev: async <T extends readonly NodeJS.ArrayBufferView[]>(buffers: T) => {
      calls.push("writev");
      return { bytesWritten: Buffer.concat(buffers as unknown as Uint8Array[]).length, buffers };
    },
    datasync: async () => {
      calls.push("datasync");
      throw Object.assign(new Error("EIO: i/o error, fdatasync"), { code: "EIO", syscall: "fdatasync" });
    },
    close: async () => undefined,
  };
  const file = new DiskAppend(failing, "log");
  await file.append([Buffer.from("a")]);
  await assert.rejects(file.sync(), { code: "store.io", kind: "internal" });
  await assert.rejects(file.sync(), { code: "store.broken" });
  await assert.rejects(file.append([Buffer.from("b")]), { code: "store.broken" });
  assert.deepEqual(calls, ["writev", "datasync"]);
});

test("a disk that is full is told as busy", async () => {
  const full = Object.assign(new Error("ENOSPC: no space left"), { code: "ENOSPC", syscall: "writev" });
  const file = new DiskAppend(
    {
      writev: () => Promise.reject(full),
      datasync: async () => undefined,
      close: async () => undefined,
    },
    "log",
  );
  await assert.rejects(file.append([Buffer.from("a")]), { code: "store.full", kind: "busy" });
});

test("hundreds of files are read side by side", async () => {
  const files = openFiles(fresh());
  const names = Array.from({ length: 200 }, (_, at) => `d/${at}`);
  await Promise.all(names.map((name) => files.replace(name, Buffer.from(name))));
  const read = await Promise.all(names.map((name) => files.read(name, 0, 100)));
  assert.deepEqual(
    read.map((bytes) => Buffer.from(bytes).toString()),
    names,
  );
});
