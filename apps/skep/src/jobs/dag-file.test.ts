import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { readDag } from "./dag-file.ts";
import { fileInputs, lineInputs } from "./inputs.ts";

let dir = "";
before(() => {
  dir = mkdtempSync(join(tmpdir(), "skep-dag-"));
});
after(() => rmSync(dir, { recursive: true, force: true }));

function written(name: string, text: string): string {
  const path = join(dir, name);
  writeFileSync(path, text);
  return path;
}

test("a file of jobs is read as TOML and as JSON, each after those that it needs, with paths from its folder", async () => {
  const toml =
    '[jobs.b]\nmodule = "b.wasm"\nstdin_from = "a"\n[jobs.a]\nmodule = "a.wasm"\nstdin = "in.txt"\n';
  const json = JSON.stringify({
    jobs: { b: { module: "b.wasm", stdin_from: "a" }, a: { module: "a.wasm", stdin: "in.txt" } },
  });
  for (const path of [written("p.toml", toml), written("p.json", json)]) {
    const jobs = await readDag(path);
    assert.deepEqual(
      jobs.map(({ name, module, stdin }) => [name, module, stdin]),
      [
        ["a", join(dir, "a.wasm"), join(dir, "in.txt")],
        ["b", join(dir, "b.wasm"), undefined],
      ],
    );
  }
});

const wrong: readonly (readonly [what: string, text: string, says: RegExp])[] = [
  [
    "goes round in a circle",
    '[jobs.a]\nmodule="m"\nneeds=["b"]\n[jobs.b]\nmodule="m"\nneeds=["a"]\n',
    /a → b → a/,
  ],
  ["needs what is not there", '[jobs.a]\nmodule="m"\nneeds=["z"]\n', /job a needs z, which is not there/],
  ["has two inputs for one job", '[jobs.a]\nmodule="m"\nstdin="x"\nstdin_from="b"\n', /either stdin or/],
  ["has a word that nobody knows", '[jobs.a]\nmodule="m"\nafter=["b"]\n', /after/],
  ["is no TOML", "[jobs.a\n", /line 1/],
  ["has no job", "[jobs]\n", /has no job/],
];
for (const [what, text, says] of wrong)
  test(`a file of jobs that ${what} is refused, and it says so`, async () => {
    await assert.rejects(readDag(written("wrong.toml", text)), { code: "run.dag", message: says });
  });

test("files of one name keep two outputs apart, and lines are named by their number", async () => {
  const paths = [written("x.txt", "1"), written("y.txt", "2"), join(dir, "x.txt")];
  const files = await fileInputs(paths);
  assert.deepEqual(
    files.map(({ name }) => name),
    ["0-x.txt", "y.txt", "2-x.txt"],
  );
  const lines = await lineInputs(written("lines", "one\ntwo\r\nthree"));
  assert.deepEqual(
    lines.map(({ name }) => name),
    ["00001", "00002", "00003"],
  );
  assert.deepEqual(await Promise.all(lines.map(async (line) => String(await line.bytes()))), [
    "one\n",
    "two\n",
    "three\n",
  ]);
  await assert.rejects(fileInputs([]), { code: "run.inputs" });
  await assert.rejects(lineInputs(written("long", "x\n".repeat(10_001))), { code: "run.inputs" });
});
