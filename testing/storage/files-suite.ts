import assert from "node:assert/strict";
import { test } from "node:test";
import type { Files } from "@skep/kernel";

const text = (words: string) => Buffer.from(words);

async function content(files: Files, name: string): Promise<string> {
  return Buffer.from(await files.read(name, 0, (await files.size(name)) ?? 0)).toString();
}

async function fill(files: Files, name: string, ...parts: string[]): Promise<void> {
  const file = await files.open(name);
  await file.append(parts.map(text));
  await file.sync();
  await file.close();
}

function appending(name: string, open: () => Promise<Files>): void {
  test(`${name}: parts are appended in order, and again after the file was reopened`, async () => {
    const files = await open();
    await fill(files, "a/b/log", "one ", "", "two ");
    await fill(files, "a/b/log", "three");
    assert.equal(await content(files, "a/b/log"), "one two three");
    assert.equal(await files.size("a/b/log"), 13);
  });

  test(`${name}: thousands of parts in one append are all there`, async () => {
    const files = await open();
    const parts = Array.from({ length: 5000 }, (_, at) => `${at};`);
    await fill(files, "many", ...parts);
    assert.equal(await content(files, "many"), parts.join(""));
  });

  test(`${name}: an append of megabytes is whole`, async () => {
    const files = await open();
    const block = Buffer.alloc(3_000_001, "x");
    const file = await files.open("large");
    await file.append([block, text("end")]);
    await file.sync();
    await file.close();
    assert.equal(await files.size("large"), 3_000_004);
    assert.equal(Buffer.from(await files.read("large", 3_000_000, 100)).toString(), "xend");
  });

  test(`${name}: opening makes an empty file that is listed`, async () => {
    const files = await open();
    await (await files.open("d/new")).close();
    assert.equal(await files.size("d/new"), 0);
    assert.deepEqual(await files.list("d"), ["new"]);
  });

  test(`${name}: an append during another one is refused`, async () => {
    const files = await open();
    const file = await files.open("log");
    const first = file.append([text("a")]);
    await assert.rejects(file.append([text("b")]));
    await first;
    await file.close();
  });

  test(`${name}: nothing is appended after close`, async () => {
    const files = await open();
    const file = await files.open("log");
    await file.close();
    await assert.rejects(file.append([text("a")]));
    assert.equal(await files.size("log"), 0);
  });
}

function reading(name: string, open: () => Promise<Files>): void {
  test(`${name}: a read gives fewer bytes only at the end, and none beyond it`, async () => {
    const files = await open();
    await fill(files, "log", "0123456789");
    const read = async (from: number, length: number) =>
      Buffer.from(await files.read("log", from, length)).toString();
    assert.equal(await read(2, 3), "234");
    assert.equal(await read(8, 30), "89");
    assert.equal(await read(10, 5), "");
    assert.equal(await read(99, 5), "");
    assert.equal(await read(0, 0), "");
  });

  test(`${name}: a reader sees what was appended since its last read`, async () => {
    const files = await open();
    await fill(files, "log", "one");
    assert.equal(await content(files, "log"), "one");
    await fill(files, "log", "two");
    assert.equal(await content(files, "log"), "onetwo");
  });

  test(`${name}: a file that is not there has no size and cannot be read`, async () => {
    const files = await open();
    assert.equal(await files.size("d/none"), undefined);
    assert.deepEqual(await files.list("d"), []);
    await assert.rejects(files.read("d/none", 0, 1), { code: "store.absent" });
    await assert.rejects(files.remove("d/none"), { code: "store.absent" });
  });

  test(`${name}: names are listed sorted, files of that directory only`, async () => {
    const files = await open();
    for (const one of ["d/b", "d/a", "d/10", "d/9", "d/sub/x", "e/y"]) await fill(files, one, one);
    assert.deepEqual(await files.list("d"), ["10", "9", "a", "b"]);
  });

  test(`${name}: a name cannot leave the directory`, async () => {
    const files = await open();
    for (const bad of ["../x", "/etc/passwd", "a/../../x", "a//b", "./a", ""]) {
      await assert.rejects(files.read(bad, 0, 1), { code: "store.name" }, bad);
      await assert.rejects(files.open(bad), { code: "store.name" }, bad);
      await assert.rejects(files.replace(bad, text("x")), { code: "store.name" }, bad);
      await assert.rejects(files.remove(bad), { code: "store.name" }, bad);
    }
  });
}

function changing(name: string, open: () => Promise<Files>): void {
  test(`${name}: a replaced file has the new bytes, also for who had read the old ones`, async () => {
    const files = await open();
    await files.replace("d/state", text("old and longer"));
    assert.equal(await content(files, "d/state"), "old and longer");
    await files.replace("d/state", text("new"));
    assert.equal(await content(files, "d/state"), "new");
    assert.deepEqual(await files.list("d"), ["state"]);
  });

  test(`${name}: of replacements at the same time the last one stays`, async () => {
    const files = await open();
    await Promise.all(["one", "two", "three"].map((words) => files.replace("d/state", text(words))));
    assert.equal(await content(files, "d/state"), "three");
    assert.deepEqual(await files.list("d"), ["state"]);
  });

  test(`${name}: a truncated file is shorter, and appends go to its new end`, async () => {
    const files = await open();
    await fill(files, "log", "0123456789");
    await files.truncate("log", 4);
    assert.equal(await content(files, "log"), "0123");
    await fill(files, "log", "x");
    assert.equal(await content(files, "log"), "0123x");
  });

  test(`${name}: a removed file is gone, also for who had read it, and can be made anew`, async () => {
    const files = await open();
    await fill(files, "d/log", "old");
    assert.equal(await content(files, "d/log"), "old");
    await files.remove("d/log");
    assert.equal(await files.size("d/log"), undefined);
    await assert.rejects(files.read("d/log", 0, 1), { code: "store.absent" });
    await fill(files, "d/log", "new");
    assert.equal(await content(files, "d/log"), "new");
  });

  test(`${name}: free space is between nothing and all of it`, async () => {
    const { free, total } = await (await open()).space();
    assert.equal(free >= 0 && free <= total && total > 0, true);
  });
}

/** What every implementation of `Files` must do; `open` gives an empty one. */
export function filesSuite(name: string, open: () => Promise<Files>): void {
  appending(name, open);
  reading(name, open);
  changing(name, open);
}
