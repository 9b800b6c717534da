import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createConnection, createServer, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive, type TestHive } from "../testing/hive.ts";

/** Hands bytes on to the hive's socket, and breaks the first connections after so many of them. */
async function breaking(hive: TestHive, breaks: number, after: number) {
  const path = join(hive.dir, "breaking.sock");
  const open = new Set<Socket>();
  let broken = 0;
  const server = createServer((near) => {
    const far = createConnection({ path: hive.at.socket });
    for (const each of [near, far]) {
      open.add(each);
      each.on("error", () => undefined);
      each.on("close", () => {
        near.destroy();
        far.destroy();
      });
    }
    let bytes = 0;
    near.on("data", (data: Buffer) => {
      bytes += data.length;
      if (bytes > after && broken < breaks) {
        broken += 1;
        near.destroy();
      } else far.write(data);
    });
    far.on("data", (data: Buffer) => near.write(data));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    path,
    broken: () => broken,
    [Symbol.asyncDispose]: async () => {
      for (const each of open) each.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

test("files pushed at the same time over connections that break arrive whole, once, and each in its order", async () => {
  await using hive = await startTestHive();
  await using line = await breaking(hive, 3, 40_000);
  const files = ["a", "b", "c"].map((name) => {
    const path = join(hive.dir, name);
    const lines = Array.from({ length: 300 }, (_, at) => `${name} ${at} ${"x".repeat(400)}`);
    writeFileSync(path, `${lines.join("\n")}\n`);
    return path;
  });
  await hive.skep(["context", "add", "bad", "--socket", line.path]);
  const ran = await hive.skep(["telemetry", "push", ...files, "--device", "d", "--context", "bad", "--json"]);
  assert.equal(ran.code, 0, ran.err);
  const told = ran.out.trimEnd().split("\n");
  assert.deepEqual(
    told.map((each) => JSON.parse(each).pushed),
    [300, 300, 300],
  );
  assert.equal(line.broken(), 3);
  const to = join(hive.dir, "pulled");
  const pulled = JSON.parse((await hive.skep(["telemetry", "pull", "d", "--to", to, "--json"])).out);
  const { segments } = JSON.parse((await hive.skep(["cat", "/queen/telemetry/d/latest.json"])).out);
  assert.equal(pulled.segments, segments.length);
  const kept = segments
    .flatMap(({ id }: { id: string }) =>
      readFileSync(join(to, "d", id), "utf8")
        .trimEnd()
        .split("\n"),
    )
    .map((each: string) => JSON.parse(each).payload as string);
  for (const path of files) {
    const name = path.at(-1);
    const own = kept
      .filter((each: string) => each.startsWith(`${name} `))
      .map((each: string) => each.split(" ")[1]);
    assert.deepEqual(
      own,
      Array.from({ length: 300 }, (_, at) => String(at)),
    );
  }
});
