// A Podman that nobody wrote for this, in namespaces of its own, with containers that sleep.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { request } from "node:http";
import { test } from "node:test";
import { type HostHive, hostHive, until } from "./testing.ts";
import { endProcess, lacking, type Real, startAgent, startPodman } from "./testing-real.ts";

const skip = lacking("unshare", "podman");

const rules = (socket: string): string =>
  `${["restart", "stop", "start"].map((verb) => `[[allow]]\naction = "docker.${verb}"\ntarget = ["*"]\n`).join("")}[docker]\nsocket = "${socket}"\nevery = "250ms"\n[systemd]\nenabled = false\n[net]\nenabled = false\n[nvidia]\nenabled = false\n`;

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

/** A hive, a Podman, and the agent that runs now. */
class Stage {
  readonly at: HostHive;
  readonly podman: Real;
  agent: ChildProcess;

  constructor(at: HostHive, podman: Real) {
    this.at = at;
    this.podman = podman;
    this.agent = startAgent(at, rules(podman.address));
  }

  again(): void {
    this.agent = startAgent(this.at, rules(this.podman.address));
  }

  async do(id: string, verb: string): Promise<void> {
    assert.equal(await this.at.spec({ id, action: `docker.${verb}`, target: "web" }), "ok");
  }

  async ended(id: string): Promise<{ state: string; before: Seen; evidence: Seen }> {
    return (await this.at.ended(id)) as never;
  }

  /** How often the container of this name or id was started, by Podman's own events. */
  async starts(container = "web"): Promise<number> {
    const filters = encodeURIComponent(JSON.stringify({ event: ["start"], container: [container] }));
    const now = Math.ceil(Date.now() / 1000) + 1;
    const told = await ask(
      this.podman.address,
      "GET",
      `/events?stream=false&since=0&until=${now}&filters=${filters}`,
    );
    return told.split("\n").filter((line) => line !== "").length;
  }

  /** Kills the agent as soon as the hive knows that it has begun, or has claimed it at least. */
  async killed(id: string): Promise<void> {
    await until("the claim", async () =>
      /state=(claimed|running)/.test(await this.at.read("/host/alpha/pending")) ? true : undefined,
    );
    await endProcess(this.agent, "SIGKILL");
    assert.match(await this.at.read("/host/alpha/pending"), new RegExp(`id=${id} state=(claimed|running)`));
  }
}

async function eachOnce(stage: Stage): Promise<void> {
  const before = await stage.starts();
  for (const [id, verb] of [
    ["t-1", "restart"],
    ["t-2", "stop"],
    ["t-3", "start"],
  ] as const) {
    await stage.do(id, verb);
    const { state, before: was, evidence: now } = await stage.ended(id);
    assert.equal(state, "succeeded", verb);
    assert.equal(now.Id, was.Id);
    assert.equal(now.Running, verb !== "stop");
    assert.equal(now.StartedAt === was.StartedAt, verb === "stop");
  }
  assert.equal((await stage.starts()) - before, 2);
}

async function killedOnce(stage: Stage): Promise<void> {
  const before = await stage.starts();
  await stage.do("k-1", "restart");
  await stage.killed("k-1");
  stage.again();
  const { state, before: was, evidence: now } = await stage.ended("k-1");
  assert.equal(state, "succeeded");
  assert.notEqual(was.StartedAt, now.StartedAt);
  assert.equal((await stage.starts()) - before, 1);
}

// What stands under the name is another container: whether the first was restarted nobody can tell.
async function replaced(stage: Stage): Promise<void> {
  await stage.do("k-2", "restart");
  await until("the start", async () =>
    /id=k-2 state=running/.test(await stage.at.read("/host/alpha/pending")) ? true : undefined,
  );
  await endProcess(stage.agent, "SIGKILL");
  const { address } = stage.podman;
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
  assert.equal(await stage.starts(now.Id), 1);
}

test("tickets act on the containers of a real Podman", { skip }, async (t) => {
  let podman: Real;
  try {
    podman = await startPodman("web", "other");
  } catch (cause) {
    return t.skip(`no Podman runs here: ${(cause as Error).message}`);
  }
  await using _real = podman;
  await using at = await hostHive();
  const stage = new Stage(at, podman);
  t.after(() => endProcess(stage.agent, "SIGKILL"));
  await until("the container", async () =>
    /state=running/.test(await at.read("/host/docker/web/status").catch(() => "")) ? true : undefined,
  );
  await t.test("a container is restarted, stopped and started, each once", () => eachOnce(stage));
  await t.test("an agent that is killed at its claim neither repeats nor loses the restart", () =>
    killedOnce(stage),
  );
  await t.test("where another container has the name, the ticket ends unknown and nothing is done", () =>
    replaced(stage),
  );
  await endProcess(stage.agent, "SIGKILL");
  return undefined;
});
