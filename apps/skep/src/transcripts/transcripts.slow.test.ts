import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Clock } from "@skep/clock";
import {
  type Block,
  differences,
  parseTranscript,
  Play,
  type Played,
  printedAnswers,
  printTranscript,
} from "@skep/testing";
import { realClock } from "../clock.ts";
import { startTestHive } from "../testing/hive.ts";
import { type Edge, edges, stageOf } from "./stages.test.ts";

const here = import.meta.dirname;
const update = process.env.SKEP_TRANSCRIPTS === "update" || process.argv.includes("--update");

const began = { now: Date.now(), monotonic: performance.now() };
/** A hundredth of the real pace: what is counted by the second comes out the same on a busy machine. */
const slowClock: Clock = {
  now: () => began.now + Math.floor((Date.now() - began.now) / 100),
  monotonic: () => (performance.now() - began.monotonic) / 100,
  after: realClock.after,
};

async function playOver(edge: Edge, blocks: readonly Block[]): Promise<Played[][]> {
  await using hive = await startTestHive(undefined, { SKEP_CONSOLE: "0", SKEP_HTTP: "0" }, slowClock);
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
