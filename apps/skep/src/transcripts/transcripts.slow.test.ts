import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import {
  type Block,
  differences,
  parseTranscript,
  Play,
  type Played,
  printedAnswers,
  printTranscript,
} from "@skep/testing";
import { startTestHive } from "../testing/hive.ts";
import { type Edge, edges, stageOf } from "./stages.test.ts";

const here = import.meta.dirname;
const update = process.env.SKEP_TRANSCRIPTS === "update" || process.argv.includes("--update");

async function playOver(edge: Edge, blocks: readonly Block[]): Promise<Played[][]> {
  await using hive = await startTestHive(undefined, { SKEP_CONSOLE: "0", SKEP_HTTP: "0" });
  const play = new Play(stageOf(hive, edge));
  const played: Played[][] = [];
  for (const block of blocks) played.push(await play.block(block));
  await play.leave();
  return played;
}

for (const name of readdirSync(here).filter((file) => file.endsWith(".txt")))
  test(`${name} has the same answers over the session, 9P, the console and HTTP`, async () => {
    const path = join(here, name);
    const blocks = parseTranscript(readFileSync(path, "utf8"));
    const [model = [], ...others] = await Promise.all(edges.map((edge) => playOver(edge, blocks)));
    const answers = model.map(printedAnswers);
    const different = others.flatMap((other, at) =>
      model.flatMap((played, block) => differences(edges[at + 1] ?? "", played, other[block] ?? [])),
    );
    assert.deepEqual(different, []);
    if (update) writeFileSync(path, printTranscript(blocks, answers));
    else
      for (const [at, block] of blocks.entries())
        assert.deepEqual([...block.source, ...(answers[at] ?? [])], [...block.source, ...block.expected]);
  });
