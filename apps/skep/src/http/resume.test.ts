import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { makeOwnerTicket } from "../access/tickets.ts";
import { makeTestPlace, startTestHive, type TestHive } from "../testing/hive.ts";

const settings = { SKEP_HTTP: "0" };

/** Reads events of a stream until so many lines came; the last cursor beside them. */
async function follow({ home, at }: TestHive, path: string, lines: number, cursor?: string) {
  const ticket = readFileSync(join(home, "owner.ticket"), "utf8").trim();
  const stop = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${at.http?.port}/v1/tree${path}`, {
    headers: {
      Authorization: `Bearer ${ticket}`,
      Accept: "text/event-stream",
      ...(cursor !== undefined && { "Last-Event-ID": cursor }),
    },
    signal: stop.signal,
  });
  let [events, text, last] = ["", "", ""];
  const gaps: unknown[] = [];
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  while (text.split("\n").length - 1 < lines) {
    const { value = "", done = true } = (await reader?.read()) ?? {};
    if (done) break;
    events += value;
    for (let end = events.indexOf("\n\n"); end >= 0; end = events.indexOf("\n\n")) {
      const block = events.slice(0, end);
      events = events.slice(end + 2);
      last = /^id: (.*)$/m.exec(block)?.[1] ?? last;
      const data = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? "{}");
      if (block.includes("event: gap")) gaps.push(data);
      text += data.text ?? "";
    }
  }
  stop.abort();
  return { lines: text.trimEnd().split("\n"), cursor: last, gaps };
}

test("a stream of the journal is followed through a restart without a line lost or told twice", async () => {
  await using place = makeTestPlace();
  const first = await startTestHive(place, settings);
  await makeOwnerTicket(first.home, Date.now());
  const revoke = (hive: TestHive, block: string) => hive.hive.owner.append("/queen/ctl", { revoke: block });
  for (const block of ["a1", "a2", "a3"]) await revoke(first, block);
  const before = await follow(first, "/trace/ctl", 3);
  assert.deepEqual(
    before.lines.map((line) => JSON.parse(line).command.revoke),
    ["a1", "a2", "a3"],
  );
  await revoke(first, "a4");
  await first.stop();
  const second = await startTestHive(place, settings);
  await revoke(second, "a5");
  const after = await follow(second, "/trace/ctl", 2, before.cursor);
  assert.deepEqual(
    after.lines.map((line) => JSON.parse(line).command.revoke),
    ["a4", "a5"],
  );
  assert.deepEqual(after.gaps, []);
  await second.stop();
});
