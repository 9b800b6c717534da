import assert from "node:assert/strict";
import { test } from "node:test";
import type { Command } from "@skep/edge-cli";
import { startTestHive, makeTestPlace, type TestPlace } from "../testing/hive.ts";
import { createProgram } from "./table.ts";

/** Those that run until they are stopped, or that change this machine and not the place of the test. */
const apart = new Set(["up", "demo", "worker", "host", "join", "witness", "mount", "ui"]);
const commands = createProgram().commands.filter(
  ({ name, hidden }) => !hidden && !apart.has(name) && !/^(service|uninstall|leave|volunteer$)/.test(name),
);

/** A word of the kind that an argument wants, for which there is nothing. */
function wordFor({ kind, choices }: Command["args"][number]): string {
  if (choices) return choices[0] ?? "";
  const file = "/nothing/of-that-name";
  const words: Partial<Record<typeof kind, string>> = {
    path: "/nothing",
    integer: "99999",
    number: "1",
    file,
    directory: file,
  };
  return words[kind] ?? "nothing-of-that-name";
}

/** What is wrong with how a command answered with `--json`; empty where nothing is. */
async function problemsOf(place: TestPlace, argv: readonly string[]): Promise<string[]> {
  const { code, out } = await place.skep(["--json", "--no-input", ...argv], {
    env: { XDG_STATE_HOME: place.dir },
  });
  const name = argv.join(" ");
  const problems: string[] = [];
  let error: { cure?: unknown; message?: unknown } | undefined;
  for (const line of out.split("\n").filter((text) => text !== "")) {
    try {
      error = (JSON.parse(line) as { error?: typeof error } | null)?.error ?? error;
    } catch {
      problems.push(`${name}: no JSON: ${line.slice(0, 80)}`);
    }
  }
  if (code !== 0 && error === undefined)
    problems.push(`${name}: ended with ${code} and told no error: ${out.slice(0, 200)}`);
  if (code === 0 && error !== undefined) problems.push(`${name}: told an error and ended with 0`);
  if (error && typeof error.cure !== "string") problems.push(`${name}: no cure: ${String(error.message)}`);
  return problems;
}

async function all(place: TestPlace, wordsOf: (command: Command) => readonly string[]): Promise<string[]> {
  const problems: string[] = [];
  for (const command of commands)
    problems.push(...(await problemsOf(place, [...command.name.split(" "), ...wordsOf(command)])));
  return problems;
}

const needed = ({ name, args }: Command) => [
  ...args.filter(({ optional }) => !optional).map(wordFor),
  ...(name === "top" ? ["--once"] : []),
];

test("every command without a hive answers --json with JSON, and each error with a code and a cure", async () => {
  await using place = makeTestPlace();
  assert.deepEqual(await all(place, needed), []);
});

test("every command of a hive, about nothing that is there, answers --json with JSON and a cure", async () => {
  await using hive = await startTestHive();
  assert.deepEqual(await all(hive, needed), []);
});

test("every command that is given too much says so with a cure", async () => {
  await using hive = await startTestHive();
  const tooMuch = (command: Command) =>
    command.args.at(-1)?.rest ? ["--nothing"] : [...command.args.map(wordFor), "more"];
  assert.deepEqual(await all(hive, tooMuch), []);
});
