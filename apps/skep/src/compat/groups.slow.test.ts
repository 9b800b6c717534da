// The groups of the original's two packs, each pack over one boot of `skep up --config examples/compat/…`.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { parseScript, runScript } from "@skep/grammar";
import { ConsoleClient } from "@skep/testing";
import { realClock } from "../clock.ts";
import { type Stage, startCompat } from "./daemon.test.ts";
import { type Group, groups } from "./groups.test.ts";

const scripts = new URL("../../../../examples/compat/scripts/", import.meta.url);

/** Whether a path is there, by the listing of its parent: what is created by its first append could be opened anyway. */
async function isThere({ at, token }: Stage, path: string): Promise<boolean> {
  const client = await ConsoleClient.attached(at, token, "queen");
  const cut = path.lastIndexOf("/");
  const [ack = "", ...names] = await client.ask(`LS ${path.slice(0, cut) || "/"}`);
  await client.close();
  return ack.startsWith("OK LS") && names.includes(path.slice(cut + 1));
}

async function missing(stage: Stage, { needs }: Group): Promise<string[]> {
  const absent: string[] = [];
  for (const path of needs) if (!(await isThere(stage, path))) absent.push(path);
  return absent;
}

async function connected({ at, token }: Stage): Promise<ConsoleClient> {
  const client = await ConsoleClient.connect(at);
  client.say(`AUTH ${token}`);
  assert.equal(await client.line(), "OK AUTH");
  return client;
}

async function playScript(stage: Stage, name: string): Promise<void> {
  const text = await readFile(new URL(`${name}.coh`, scripts), "utf8");
  let client = await connected(stage);
  const send = async (line: string): Promise<readonly string[]> => {
    const answer = await client.ask(line);
    if (line === "QUIT") client = await connected(stage);
    return answer;
  };
  const result = await runScript(parseScript(text), { clock: realClock, send });
  await client.close();
  if (!result.pass)
    assert.fail(`line ${result.line}: ${result.why}\n${result.transcript.slice(-12).join("\n")}`);
}

for (const pack of ["base", "gated"] as const)
  test(`the groups of the ${pack} pack pass over one boot`, async (t) => {
    await using daemon = await startCompat(pack);
    const stage: Stage = { at: daemon.at, token: "changeme" };
    for (const group of groups[pack])
      await t.test(group.name, async () => {
        const absent = await missing(stage, group);
        assert.deepEqual(absent, [], `${group.name} cannot be played any more`);
        await (group.play === "script" ? playScript(stage, group.name) : group.play(stage));
      });
  });
