import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { loadPolicies, type PolicyRequest, PolicySet } from "@skep/policy";
import { attach, type HiveProcess, startHive } from "../hive.ts";
import { temporaryPlace } from "../place.ts";
import { childrenSpent } from "../process.ts";
import type { Measured } from "../row.ts";
import { fifty } from "./controls.ts";

const run = promisify(execFile);
const main = fileURLToPath(new URL("../../../apps/skep/src/main.mjs", import.meta.url));
const intents = 100_000;
/** Lines that go in one write. */
const perWrite = 50;
const people = 16;

/** The same fifty and eight that are about the time. */
const candidate = [
  fifty,
  ...Array.from(
    { length: 8 },
    (_, n) =>
      `forbid (principal, action, resource in Path::"/area-${n}") when { context.now > ${1_790_000_000_000 + n * 1e6} };`,
  ),
].join("\n");

/** Every intent decided by a fresh set; seconds. */
function decided(): number {
  const { policies, problems } = loadPolicies({ "a.cedar": candidate }, ["spawn", "kill", "revoke"]);
  if (problems.length > 0) throw new Error(problems[0]?.message);
  const set = new PolicySet(policies);
  const began = performance.now();
  for (let at = 0; at < intents; at += 1) {
    const request: PolicyRequest = {
      subject: `person-${at % 50}`,
      role: at % 3 === 0 ? "queen" : "observer",
      path: `/area-${at % 40}/ctl`,
      act: ["spawn", "kill", "revoke"][at % 3] ?? "spawn",
      class: "compensable",
      data: false,
      now: 1_790_000_000_000 + at * 100,
      lifecycle: "ONLINE",
    };
    set.decide(request);
  }
  return (performance.now() - began) / 1000;
}

/** Has some people write so many commands. */
async function fill(hive: HiveProcess): Promise<void> {
  let left = intents;
  const person = async (_: unknown, at: number): Promise<void> => {
    const token = await hive.ticket(`person-${at}`, "queen", [{ path: "/", verb: "rw" }]);
    await using client = await attach({ path: hive.ready.socket }, token);
    await using file = await client.open("/queen/ctl", "write");
    for (; left > 0; left -= perWrite) {
      const line = (n: number): string => `{"revoke":"bench-${(left + n) % 1000}"}\n`;
      await file.write(Buffer.from(Array.from({ length: perWrite }, (__, n) => line(n)).join("")));
    }
  };
  await Promise.all(Array.from({ length: people }, person));
}

interface Took {
  readonly wall: number;
  readonly processor: number;
}

/** The command itself over a running hive whose last records they are; seconds. */
async function commanded(hive: HiveProcess, set: string): Promise<Took> {
  const args = [...process.execArgv, main, "policy", "what-if", set, "--home", hive.ready.home, "--json"];
  const [began, before] = [performance.now(), childrenSpent()];
  const { stdout } = await run(process.execPath, args);
  const took = {
    wall: (performance.now() - began) / 1000,
    processor: (childrenSpent() - before) / 1000,
  };
  const { judged } = JSON.parse(stdout) as { readonly judged: number };
  if (judged < intents * 0.99) throw new Error(`${judged} of ${intents} intents were judged`);
  return took;
}

/** The same intents judged by other rules: the decisions alone, and the command with all that it reads. */
export async function whatIfRows(tell: (text: string) => void): Promise<Measured[]> {
  tell("what-if, decisions");
  const name = "what-if over 100,000 intents, 58 policies, 8 of them about the time";
  const goal = { most: 10 };
  const rows: Measured[] = [{ name, unit: "s", runs: [decided(), decided(), decided()], goal }];
  tell("what-if, intents are written");
  await using hive = await startHive();
  {
    await using owner = await hive.owner();
    await owner.append("/policy/ctl", JSON.stringify({ op: "apply", files: { "bench.cedar": fifty } }));
  }
  await fill(hive);
  await using place = await temporaryPlace();
  const set = join(place.path, "candidate.cedar");
  await writeFile(set, candidate);
  const took: Took[] = [];
  for (let turn = 1; turn <= 3; turn += 1) {
    tell(`what-if, the command, ${turn} of 3`);
    took.push(await commanded(hive, set));
  }
  rows.push(
    {
      name: "`skep policy what-if` over 100,000 records of a hive, 50 policies in force",
      unit: "s",
      runs: took.map(({ wall }) => wall),
      goal,
    },
    {
      name: "the same, processor time of the command",
      unit: "s",
      runs: took.map(({ processor }) => processor),
    },
  );
  return rows;
}
