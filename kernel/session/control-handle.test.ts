import assert from "node:assert/strict";
import { test } from "node:test";
import { faults } from "@skep/fault";
import { ControlHandle } from "./control-handle.ts";

const fault = faults("toy", { no: ["conflict", "Cannot do that"] });

/** A handle that accepts every line but `no`, and a descriptor of Linux on it: one offset for both ways. */
function opened(pause?: () => Promise<void> | undefined) {
  let id = 0;
  const handle = new ControlHandle(true, {
    prepare: () => undefined,
    judge: (line) => {
      if (line === "no") throw fault.no();
      id += 1;
      return { id, verdict: "ok", result: line };
    },
    settled: () => undefined,
    answered: () => undefined,
    short: () => undefined,
    piece: () => () => pause?.(),
  });
  let offset = 0;
  const read = async (count: number): Promise<string> => {
    const data = await handle.read(offset, count);
    offset += data.length;
    return Buffer.from(data).toString();
  };
  const write = async (text: string): Promise<void> => {
    offset += await handle.write(offset, Buffer.from(text));
  };
  return {
    handle,
    read,
    write,
    /** As busybox reads a line: byte by byte. */
    byteLine: async () => {
      let line = "";
      for (let byte = await read(1); byte !== "" && byte !== "\n"; byte = await read(1)) line += byte;
      return line;
    },
    /** As bash reads one from what can seek: a block, and back to the end of the line. */
    blockLine: async () => {
      const block = await read(4096);
      const line = block.slice(0, block.indexOf("\n") + 1);
      offset -= block.length - line.length;
      return line.trimEnd();
    },
  };
}

const results = (lines: readonly string[]) =>
  lines.map((line) => JSON.parse(line).result ?? JSON.parse(line).code);

for (const way of ["byteLine", "blockLine"] as const)
  test(`a descriptor with one offset gets answer after answer (${way})`, async () => {
    const open = opened();
    const got: string[] = [];
    await open.write("a\nb\nc\n");
    got.push(await open[way](), await open[way]());
    await open.write("d\n");
    got.push(await open[way](), await open[way]());
    await open.write("e\n");
    got.push(await open[way]());
    assert.deepEqual(results(got), ["a", "b", "c", "d", "e"]);
    assert.equal(await open.read(4096), "");
  });

test("a descriptor whose first command is refused gets its answers too", async () => {
  const open = opened();
  await assert.rejects(open.write("no\n"), { code: "toy.no" });
  const got = [await open.blockLine()];
  await open.write("a\nb\nno\n");
  got.push(await open.blockLine(), await open.blockLine(), await open.blockLine());
  assert.deepEqual(results(got), ["toy.no", "a", "b", "toy.no"]);
});

test("a client that counts its reads alone gets answer after answer", async () => {
  const { handle } = opened();
  let offset = 0;
  const got: string[] = [];
  for (const command of ["a\n", "no\na\n", "b\n", "c\n"]) {
    await (async () => handle.write(0, Buffer.from(command)))().catch(() => undefined);
    const data = await handle.read(offset, 4096);
    offset += data.length;
    got.push(...Buffer.from(data).toString().trimEnd().split("\n"));
  }
  assert.deepEqual(results(got), ["a", "toy.no", "b", "c"]);
});

test("a write of many lines is judged over several turns, and a later write comes after it", async () => {
  const turns: (() => void)[] = [];
  const { handle, read } = opened(() => new Promise((resolve) => turns.push(resolve)));
  const first = handle.write(0, Buffer.from("a\nb\nno\nc\n"));
  const second = handle.write(9, Buffer.from("d\n"));
  assert.equal(turns.length, 1);
  turns.shift()?.();
  await Promise.resolve().then(() => undefined);
  assert.equal(turns.length, 1);
  turns.shift()?.();
  assert.deepEqual(await Promise.all([first, second]), [4, 2]);
  const answers = (await read(65_536)).trim().split("\n");
  const told = answers.map((line) => JSON.parse(line) as { result?: string; code?: string });
  assert.deepEqual(
    told.map(({ result, code }) => result ?? code),
    ["a", "b", "toy.no", "d"],
  );
});
