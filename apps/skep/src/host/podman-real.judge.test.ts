// A Podman that nobody wrote for this, in namespaces of its own, with containers that sleep.
import assert from "node:assert/strict";
import { request } from "node:http";
import { test } from "node:test";
import { until } from "./testing.ts";
import { lacking, startPodman } from "./testing-real.ts";
import { type Stage, stageOf } from "./testing-stage.ts";

const skip = lacking("unshare", "podman");

interface Seen {
  readonly Id: string;
  readonly StartedAt: string;
  readonly Running: boolean;
}

function ask(socketPath: string, method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, method, path: `/v1.40${path}`, agent: false }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => resolve(Buffer.concat(parts).toString()));
    });
    sent.on("error", reject);
    sent.end();
  });
}

/** How often the container of this name or id was started, by Podman's own events. */
async function startsOf({ real }: Stage<Seen>, container = "web"): Promise<number> {
  const filters = encodeURIComponent(JSON.stringify({ event: ["start"], container: [container] }));
  const now = Math.ceil(Date.now() / 1000) + 1;
  const path = `/events?stream=false&since=0&until=${now}&filters=${filters}`;
  const told = await ask(real.address, "GET", path);
  return told.split("\n").filter((line) => line !== "").length;
}

/** Asks for a restart and kills the agent as soon as the hive knows that it is in such a state. */
async function killedOver(stage: Stage<Seen>, id: string, states: RegExp): Promise<void> {
  await stage.ask(id, "restart", "web");
  await until("the moment", async () => (states.test(await stage.stateOf(id)) ? true : undefined));
  await stage.kill();
  assert.match(await stage.stateOf(id), /claimed|running/);
}

async function eachOnce(stage: Stage<Seen>): Promise<void> {
  const before = await startsOf(stage);
  await stage.each("web", (verb, was, now) => {
    assert.equal(now.Id, was.Id);
    assert.equal(now.Running, verb !== "stop");
    assert.equal(now.StartedAt === was.StartedAt, verb === "stop");
  });
  assert.equal((await startsOf(stage)) - before, 2);
}

async function killedOnce(stage: Stage<Seen>): Promise<void> {
  const before = await startsOf(stage);
  await killedOver(stage, "k-1", /claimed|running/);
  stage.again();
  const { state, before: was, evidence: now } = await stage.ended("k-1");
  assert.equal(state, "succeeded");
  assert.notEqual(was.StartedAt, now.StartedAt);
  assert.equal((await startsOf(stage)) - before, 1);
}

// What stands under the name is another container: whether the first was restarted nobody can tell.
async function replaced(stage: Stage<Seen>): Promise<void> {
  await killedOver(stage, "k-2", /running/);
  const { address } = stage.real;
  const renamed = [
    await ask(address, "POST", "/containers/web/rename?name=old"),
    await ask(address, "POST", "/containers/other/rename?name=web"),
  ];
  assert.deepEqual(renamed, ["", ""]);
  stage.again();
  const { state, evidence: now } = await stage.ended("k-2");
  assert.equal(state, "unknown");
  assert.equal(now.Running, true);
  // The first container's restart was on its way when the agent died: Podman may end it at any moment.
  assert.equal(await startsOf(stage, now.Id), 1);
}

test("tickets act on the containers of a real Podman", { skip }, async (t) => {
  const start = () => startPodman("web", "other");
  const stage = await stageOf<Seen>(t, start, "docker", (address) => `socket = "${address}"`);
  if (!stage) return;
  await until("the container", async () => {
    const web = await stage.at.read("/host/docker/web/status").catch(() => "");
    return /state=running/.test(web) ? true : undefined;
  });
  await t.test("a container is restarted, stopped and started, each once", () => eachOnce(stage));
  await t.test("an agent that is killed at its claim neither repeats nor loses the restart", () =>
    killedOnce(stage),
  );
  await t.test("where another container has the name, the ticket ends unknown and nothing is done", () =>
    replaced(stage),
  );
});
