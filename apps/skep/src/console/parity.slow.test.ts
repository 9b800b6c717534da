import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createConsoleLines, doorOf } from "@skep/edge-console";
import { clientLine } from "@skep/grammar";
import { bearer, consoleLines, HttpClient } from "@skep/http-client";
import { ConsoleClient } from "@skep/testing";
import { makeOwnerTicket } from "../access/tickets.ts";
import { realClock } from "../clock.ts";
import { allSecrets } from "../config/mod.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

type Said = readonly (readonly string[])[];
type Speak = (hive: TestHive, script: readonly string[]) => Promise<Said>;

const byTcp: Speak = async (hive, script) => {
  const at = hive.at.console;
  assert.ok(at);
  const token = allSecrets(hive.hive.config, hive.home)["console.token"].secret.reveal();
  const client = await ConsoleClient.connect(at);
  client.say(`AUTH ${token}`);
  assert.equal(await client.line(), "OK AUTH");
  const said: string[][] = [];
  for (const line of script) said.push(await client.ask(line));
  return said;
};

const byLibrary: Speak = async ({ hive }, script) => {
  const login = async () => ({ session: doorOf(hive.owner) });
  await using lines = createConsoleLines({ clock: realClock, login });
  const said: (readonly string[])[] = [];
  for (const line of script) said.push(await lines.ask(line));
  return said;
};

const byCli: Speak = async ({ skep }, script) => {
  const { code, out, err } = await skep(["console", "--json"], { input: [`${script.join("\n")}\n`] });
  const told = out.trimEnd().split("\n");
  const plain = await skep(["console"], { input: ["HELP\nQUIT"] });
  assert.deepEqual(
    [plain.code, plain.out.startsWith("OK HELP\n"), plain.out.endsWith("OK QUIT\n")],
    [0, true, true],
  );
  assert.equal(err, "");
  const answers = told.map((line) => JSON.parse(line) as { acks: string[]; lines: string[]; ok: boolean });
  assert.equal(code, answers.every(({ ok }) => ok) ? 0 : 1);
  return answers.map(({ acks, lines }) => [...acks, ...lines]);
};

const byPage: Speak = async (hive, script) => {
  await makeOwnerTicket(hive.home, Date.now());
  const ticket = readFileSync(join(hive.home, "owner.ticket"), "utf8").trim();
  const origin = `http://127.0.0.1:${hive.at.http?.port}`;
  const client = new HttpClient({ origin, fetch, credentials: bearer(ticket) });
  const said: (readonly string[])[] = [];
  for (const line of script) said.push(await consoleLines(client, line, "queen"));
  return said;
};

const ways: Readonly<Record<string, Speak>> = {
  "the console over TCP": byTcp,
  "the session library": byLibrary,
  "skep console": byCli,
  "the page's console": byPage,
};

/** What one way acknowledges on a hive of its own, and all of what HELP says. */
async function acksOf(t: TestContext, speak: Speak, script: readonly string[]): Promise<Said> {
  const hive = await startTestHive(undefined, { SKEP_HTTP: "0", SKEP_CONSOLE: "0" });
  t.after(() => hive[Symbol.asyncDispose]());
  const said = await speak(hive, script);
  return said.map((answer, at) =>
    script[at] === "HELP" ? answer : answer.filter((line) => /^(OK|ERR) /.test(line)),
  );
}

const scripts: Readonly<Record<string, readonly string[]>> = {
  "help, attach, log, spawn, tail, quit": [
    "HELP",
    "ATTACH queen",
    "LOG",
    'SPAWN {"spawn":"heartbeat","ticks":5}',
    "TAIL /log/queen.log",
    "QUIT",
  ],
  "the same as the original's client types it": [
    "help",
    "attach queen",
    "log",
    "spawn heartbeat ticks=5",
    "tail /log/queen.log",
    "quit",
  ].map(clientLine),
  "files, and what is refused": [
    "ATTACH queen",
    "LS /worker",
    "CAT /proc/lifecycle/state",
    "CAT /nothing/there",
    "TAIL /nothing/there",
    "LS /proc/lifecycle/state",
    "CAT relative",
    "ECHO /log/queen.log one line",
    "ECHO /queen/ctl no json",
    'ECHO /queen/ctl {"spawn":"heartbeat"}',
    "SPAWN no json",
    "KILL worker-9",
    'SPAWN {"spawn":"heartbeat","ticks":5}',
    "KILL worker-1",
    "TEST",
    "DANCE",
    "CAT",
    "PING",
    "QUIT",
  ],
};

for (const [title, script] of Object.entries(scripts))
  test(`${title}: acknowledged alike, byte for byte, on all four ways`, async (t) => {
    const [first, ...others] = Object.entries(ways);
    assert.ok(first);
    const wanted = await acksOf(t, first[1], script);
    assert.equal(wanted.length, script.length);
    for (const [way, speak] of others)
      assert.deepEqual(await acksOf(t, speak, script), wanted, `${way}, beside ${first[0]}`);
  });
