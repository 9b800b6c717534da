import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { CutOff, StepsOnDisk } from "@skep/testing";
import { replacePrivate } from "../client/files.ts";
import { loadConfig } from "../config/mod.ts";
import { homeKey } from "../hive/keys.ts";
import { nodePlaces, readMembership, writeMembership } from "./folder.ts";
import { leaveHive } from "./leave.ts";
import { finishWipe } from "./wipe.ts";

const dir = mkdtempSync(join(tmpdir(), "skep-leave-"));
after(() => rmSync(dir, { recursive: true, force: true }));
const needle = "GIVEN-BY-THE-HIVE";
const mine = "MINE";
const hiveKey = "ab".repeat(32);
const { values } = loadConfig({ home: dir, env: {}, flags: {} });

/** A machine's folder with everything that a hive may have given, some of it half-written. */
function member(): string {
  const folder = mkdtempSync(join(dir, "w-"));
  homeKey(nodePlaces.identity(folder));
  replacePrivate(nodePlaces.ticket(folder), `${needle}\n`);
  for (const name of ["ticket.7.new", "hive.json.7.new", "join-box", "owner.state.json"])
    writeFileSync(join(folder, name), needle);
  for (const name of nodePlaces.given) {
    mkdirSync(join(folder, name, "below"), { recursive: true });
    writeFileSync(join(folder, name, needle), needle);
    writeFileSync(join(folder, name, "below", "7.part"), needle);
  }
  mkdirSync(join(folder, "secrets"));
  writeFileSync(join(folder, "secrets", mine), mine);
  writeFileSync(join(folder, "owner.toml"), `# ${mine}\n`);
  writeMembership(folder, {
    ...{ v: 1, hive: needle, hiveKey, addresses: ["/ip4/127.0.0.1/tcp/9"], worker: "w-a" },
    ...{ class: "borrowed", owner: needle, joined: 0 },
  });
  return folder;
}

/** The name and contents of what lies there; the name alone of a folder, and of what goes away meanwhile. */
function textOf(folder: string, name: string): string {
  try {
    const path = join(folder, name);
    return statSync(path).isFile() ? `${name}\n${readFileSync(path, "latin1")}` : name;
  } catch (thrown) {
    // The lock of a start that was cut is let go of when its memory is.
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return name;
    throw thrown;
  }
}

/** Everything below a folder. */
function texts(folder: string): string {
  const all = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return all.map((name) => textOf(folder, name)).join("\n");
}

/** Leaves, and is killed after so many steps; how many there were. */
async function leave(folder: string, most?: number): Promise<number> {
  using disk = new StepsOnDisk(folder, most);
  // The hive cannot be told: whoever takes a machine away need not wait for it.
  const signal = AbortSignal.abort(new Error("nobody answers"));
  try {
    await leaveHive({ folder, forget: false, values, log: () => undefined }, signal);
  } catch (thrown) {
    if (!(thrown instanceof CutOff) && disk.steps <= (most ?? disk.steps)) throw thrown;
  }
  return disk.steps;
}

function startsAgain(folder: string, most?: number): void {
  using _disk = new StepsOnDisk(folder, most);
  try {
    finishWipe(folder);
  } catch (thrown) {
    if (!(thrown instanceof CutOff)) throw thrown;
  }
}

/** Nothing of the hive's is left, and everything of the owner's is. */
function assertClean(folder: string, when: string): void {
  const found = texts(folder);
  assert.equal(found.includes(needle) || found.includes(hiveKey), false, `${when}: ${found}`);
  assert.equal(found.split(mine).length, 4, `${when}: ${found}`);
}

const steps = await (async () => {
  const folder = member();
  assert.equal(texts(folder).includes(needle), true);
  const count = await leave(folder);
  assertClean(folder, "not killed");
  return count;
})();

test("leave is killed before each of its steps on the disk: the next start ends it, or it is a member as before", async () => {
  assert.ok(steps >= 20, `${steps} steps`);
  let whole = 0;
  for (let most = 0; most < steps; most += 1) {
    const folder = member();
    const before = texts(folder);
    await leave(folder, most);
    startsAgain(folder);
    if (readMembership(folder)) {
      // It was never begun: what is there may be worked with, and can be left again.
      whole += 1;
      assert.equal(texts(folder).split(needle).length, before.split(needle).length);
      await leave(folder);
    }
    assertClean(folder, `killed before step ${most + 1} of ${steps}`);
    rmSync(folder, { recursive: true });
  }
  assert.ok(whole >= 1 && whole < steps / 2, `${whole} of ${steps} were not begun`);
});

test("a start that ends an interrupted leave may be killed at any step too, as often as it likes", async () => {
  for (let most = 0; most < steps; most += 9)
    for (let again = 0; again < steps; again += 1) {
      const folder = member();
      await leave(folder, most);
      startsAgain(folder, again);
      startsAgain(folder, 1);
      startsAgain(folder);
      if (!readMembership(folder)) assertClean(folder, `killed before ${most + 1}, then ${again + 1}`);
      rmSync(folder, { recursive: true });
    }
});
