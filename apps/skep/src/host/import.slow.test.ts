// Models that tickets bring, with the power cut at each step, and with kill -9 of the agent and of the hive.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Client } from "@skep/ninep";
import { appendLine } from "../client/control.ts";
import { connect, homeTarget } from "../client/connect.ts";
import { packModel } from "../models/pack.ts";
import { startDaemon } from "../testing/daemon.ts";
import { makeTestPlace } from "../testing/hive.ts";
import { publicHex } from "../updates/pack.ts";
import { Adapters, type Use } from "./hive-acts.ts";
import { cutOnce, greeted, hostHive, until } from "./testing.ts";
import { ended } from "./testing-real.ts";
import { socketOf, startAgent } from "./testing-stage.ts";

const rights = ["/host/alpha:rw", "/proc:read", "/models:rw"];
const { privateKey } = generateKeyPairSync("ed25519");
const keys = { SKEP_MODELS_KEYS: publicHex(privateKey) };

/** Packs random weights as `NAME` in a folder; gives its digest and how many bytes it has. */
async function packed(folder: string, name: string, bytes: number) {
  const source = join(folder, `${name}.bin`);
  writeFileSync(source, randomBytes(bytes));
  const schema = join(folder, "schema.json");
  writeFileSync(schema, '{"format":"raw"}');
  const what = { from: source, schema, name, serial: 1, base: undefined, job: undefined, notes: [] };
  const { manifest } = await packModel(what, privateKey, join(folder, name));
  return { model: manifest.model, bytes };
}

test("wherever the power of the agent is cut, a model that a ticket brings is there, and the ticket says so", async (t) => {
  await using at = await hostHive(rights, keys);
  const folder = join(at.folder, "packed");
  mkdirSync(folder);
  await greeted(at);
  let cuts = 0;
  for (let cut = 0, whole = false; !whole; cut += 3) {
    const name = `m-${cut}`;
    const { model } = await packed(folder, name, 100_000);
    assert.equal(await at.spec({ id: name, action: "peft.import", host: "alpha", target: name }), "ok");
    const target = (use: Use) => new Adapters(use, () => folder);
    // Its memory is lost with it now and then.
    const wasCut = await cutOnce(at, cut, target, { forgets: cut % 2 === 1 });
    const { state, evidence } = await at.ended(name);
    assert.deepEqual([cut, state, evidence], [cut, "succeeded", { model, name, state: "ready" }]);
    cuts += wasCut ? 1 : 0;
    whole = !wasCut;
  }
  t.diagnostic(`${cuts} cuts`);
  assert.ok(cuts > 12, `${cuts} cuts`);
});

const statusIn = async (client: Client, path: string) =>
  JSON.parse(String(await client.readAll(path))) as Record<string, unknown>;

for (const who of ["agent", "hive"] as const)
  test(`after kill -9 of the ${who} in the midst of an import the rest travels, and the ticket ends well`, async (t) => {
    await using place = makeTestPlace();
    const things = new AsyncDisposableStack();
    t.after(() => things.disposeAsync());
    const settings = { env: { ...place.env, ...keys } };
    let daemon = things.use(await startDaemon(place.home, settings));
    const folder = join(place.dir, "agent");
    mkdirSync(folder, { mode: 0o700 });
    const { model, bytes } = await packed(folder, "edge", 16 * 1024 * 1024);
    const wanted = rights.flatMap((right) => ["--right", right]);
    const { out } = await place.skep([
      "ticket",
      "mint",
      "--role",
      "agent",
      "--subject",
      "host/alpha",
      ...wanted,
    ]);
    const ticketFile = join(place.dir, "alpha.ticket");
    writeFileSync(ticketFile, out);
    const where = { ticketFile, folder, socket: socketOf(place.home, place.env), env: place.env };
    const rules = `[[allow]]\naction = "peft.import"\ntarget = ["*"]\n[peft]\nfolder = "${folder}"\n[net]\nenabled = false\n`;
    const start = () => {
      const child = startAgent(where, rules);
      things.defer(() => ended(child, "SIGKILL"));
      return child;
    };
    const agent = start();
    const connected = () => connect(homeTarget(place.home, place.env));
    let client = await connected();
    await until(
      "the host",
      async () => (await client.readdir("/host")).some(({ name }) => name === "alpha") || undefined,
    );
    await appendLine(
      client,
      "/host/tickets/spec",
      JSON.stringify({ id: "i-1", action: "peft.import", target: "edge", host: "alpha" }),
    );
    const path = `/models/${model}/status.json`;
    const before = await until("a part of it", async () => {
      const told = await statusIn(client, path).catch(() => undefined);
      return told?.state === "pending" && Number(told.missing) < Number(told.chunks) ? told : undefined;
    });
    if (who === "agent") {
      await ended(agent, "SIGKILL");
      assert.match(String(await client.readAll("/host/alpha/pending")), /^id=i-1 state=running/);
      start();
    } else {
      await daemon.kill("SIGKILL");
      daemon = things.use(await startDaemon(place.home, settings));
      client = await connected();
    }
    const ticket = await until("its end", async () => {
      const all = JSON.parse(String(await client.readAll("/host/tickets/status.json"))) as {
        state: string;
      }[];
      return all.find(({ state }) => !["queued", "claimed", "running"].includes(state)) as Record<
        string,
        unknown
      >;
    });
    assert.equal(ticket.state, "succeeded", String(ticket.reason));
    assert.deepEqual(ticket.evidence, { model, name: "edge", state: "ready" });
    const { bytes: sent } = JSON.parse(String(ticket.output)) as { bytes: number };
    t.diagnostic(
      `${before.missing} of ${before.chunks} chunks were missing; ${sent} of ${bytes} bytes travelled after that`,
    );
    if (who === "agent") assert.ok(sent < bytes, `${sent} bytes`);
    await client.close();
  });
