// Updates that tickets apply, with the power cut at each step and with kill -9 of the agent in the midst of a trial.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { connect, homeTarget } from "../client/connect.ts";
import { pack, publicHex } from "../updates/pack.ts";
import { uploadUpdate } from "../updates/remote.ts";
import { noise } from "../updates/testing.ts";
import { cutOnce, greeted, type HostHive, hostHive, until } from "./testing.ts";
import { ended, linesOf } from "./testing-real.ts";
import { socketOf, startAgent } from "./testing-stage.ts";
import { type UpdatePlace, Updates } from "./updates.ts";

const rights = ["/host/alpha:rw", "/proc:read", "/updates:read"];
const { privateKey } = generateKeyPairSync("ed25519");
const key = publicHex(privateKey);

async function updatesHive(): Promise<HostHive> {
  return hostHive(rights, { SKEP_UPDATES_KEYS: key });
}

async function release({ hive }: HostHive, epoch: string, payload: Buffer): Promise<void> {
  const file = join(hive.dir, `payload-${epoch}`);
  writeFileSync(file, payload);
  const to = join(hive.dir, `release-${epoch}`);
  const packed = await pack(file, { epoch, key: privateKey, to, fixed: false });
  const client = await connect(homeTarget(hive.home, hive.env));
  assert.equal((await uploadUpdate(client, packed, { sent: () => undefined })).state, "ready");
  await client.close();
}

/** A machine whose owner trusts these keys, and whose health check leaves a line each time. */
function machine({ hive }: HostHive, name: string, keys: readonly string[], check: string) {
  const dir = join(hive.dir, name);
  const [to, owner, health, log] = [
    join(dir, "slots"),
    join(dir, "owner"),
    join(dir, "check"),
    join(dir, "checks"),
  ];
  for (const path of [to, owner]) mkdirSync(path, { recursive: true, mode: 0o700 });
  writeFileSync(join(owner, "owner.toml"), `[updates]\nkeys = ${JSON.stringify(keys)}\n`);
  writeFileSync(health, `#!/bin/sh\necho check >> ${log}\n${check}\n`, { mode: 0o700 });
  const place: UpdatePlace = { to, owner, health, timeout: 20_000 };
  return { place, log, runs: () => readFileSync(join(to, "current", "payload"), "utf8").slice(0, 3) };
}

const text = (word: string): Buffer => Buffer.concat([Buffer.from(word), noise(70_000, word)]);

test("wherever the power of the agent is cut, an update that a ticket applies runs whole, and is switched to once", async (t) => {
  await using at = await updatesHive();
  await release(at, "6", text("six"));
  await release(at, "7", text("sev"));
  await greeted(at);
  let cuts = 0;
  for (let cut = 0, whole = false; !whole; cut += 2) {
    const { place, runs } = machine(at, `m-${cut}`, [key], "exit 0");
    let kept = 0;
    const places = new Map([["app", place]]);
    const apply = async (epoch: string, steps: number) => {
      const id = `u-${cut}-${epoch}`;
      const ask = { id, action: "update.apply", host: "alpha", target: "app", params: { epoch } };
      assert.equal(await at.spec(ask), "ok");
      const wasCut = await cutOnce(at, steps, (use, power) => {
        return new Updates(
          use,
          () => places,
          (name) => {
            if (name === "trial over") kept += 1;
            power.step();
          },
        );
      });
      return { wasCut, ended: await at.ended(id) };
    };
    await apply("6", Number.POSITIVE_INFINITY);
    assert.deepEqual([runs(), kept], ["six", 1]);
    const { wasCut, ended: ticket } = await apply("7", cut);
    const { epoch, before } = ticket.evidence as { epoch: string; before: string };
    assert.deepEqual(
      [cut, ticket.state, epoch, before, runs(), kept],
      [cut, "succeeded", "7", "6", "sev", 2],
    );
    cuts += wasCut ? 1 : 0;
    whole = !wasCut;
  }
  t.diagnostic(`${cuts} cuts`);
  assert.ok(cuts > 10, `${cuts} cuts`);
});

test("an agent applies what its owner's key signed and is healthy, goes back else, and after kill -9 in a trial tries again", async (t) => {
  await using at = await updatesHive();
  for (const epoch of ["1", "2", "3"]) await release(at, epoch, text(`v${epoch} `));
  // The second is sick; the third takes its time until it is told to be well.
  const well = join(at.folder, "well");
  const check = `case $(head -c 2 "$SKEP_UPDATE") in v2) exit 1;; v3) test -e ${well} || exec sleep 60;; esac`;
  const own = machine(at, "own", [key], check);
  const strange = machine(at, "strange", ["ab".repeat(32)], "exit 0");
  const table = (name: string, { to, owner, health = "" }: UpdatePlace): string =>
    `[update.${name}]\nto = "${to}"\nowner = "${owner}"\nhealth = "${health}"\nhealth_timeout = "60s"\n`;
  const allowed = ["apply", "rollback"].map(
    (verb) => `[[allow]]\naction = "update.${verb}"\ntarget = ["*"]\n`,
  );
  const rules = `${allowed.join("")}${table("own", own.place)}${table("strange", strange.place)}[net]\nenabled = false\n`;
  const { ticketFile, folder, hive } = at;
  const where = { ticketFile, folder, socket: socketOf(hive.home, hive.env), env: hive.env };
  const things = new AsyncDisposableStack();
  t.after(() => things.disposeAsync());
  const start = () => {
    const child = startAgent(where, rules);
    things.defer(() => ended(child, "SIGKILL"));
    return child;
  };
  const agent = start();
  await until(
    "the host",
    async () =>
      /incarnation=[0-9a-f]{8}/.test(await at.read("/host/alpha/info").catch(() => "")) || undefined,
  );
  const ask = async (id: string, verb: string, target: string, epoch?: string) => {
    const params = epoch === undefined ? {} : { params: { epoch } };
    assert.equal(await at.spec({ id, action: `update.${verb}`, target, ...params }), "ok");
  };
  const done = async (...words: Parameters<typeof ask>) => {
    await ask(...words);
    const { state, reason, evidence } = await at.ended(words[0]);
    return [state, (evidence as { epoch: string } | null)?.epoch, String(reason ?? "")];
  };
  assert.equal(await at.spec({ id: "x", action: "update.apply", target: "own" }), "host.params");
  assert.deepEqual(await done("t-1", "apply", "own", "1"), ["succeeded", "1", ""]);
  assert.match(String(await done("t-2", "apply", "own", "2")), /^failed,.*health check failed/);
  assert.equal(own.runs(), "v1 ");
  assert.match(
    String(await done("t-3", "apply", "strange", "1")),
    /^failed,.*no release key that is named here/,
  );
  assert.match(String(await done("t-4", "apply", "none", "1")), /^failed,.*no \[update\.none\]/);
  const before = linesOf(own.log).length;
  await ask("t-5", "apply", "own", "3");
  await until("the trial", () => linesOf(own.log).length > before || undefined);
  await ended(agent, "SIGKILL");
  assert.equal(own.runs(), "v3 ");
  writeFileSync(well, "");
  start();
  const { state, evidence, output } = await at.ended("t-5");
  assert.deepEqual([state, (evidence as { epoch: string }).epoch, own.runs()], ["succeeded", "3", "v3 "]);
  assert.equal((JSON.parse(String(output)) as { key: string }).key, key);
  assert.equal(linesOf(own.log).length, before + 2);
  assert.deepEqual(await done("t-6", "rollback", "own"), ["succeeded", "1", ""]);
  assert.equal(own.runs(), "v1 ");
});
