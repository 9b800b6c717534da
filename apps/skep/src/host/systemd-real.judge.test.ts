// A systemd that nobody wrote for this: `systemd --user` with units of its own, in namespaces of its own.
import assert from "node:assert/strict";
import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { type HostHive, hostHive, until } from "./testing.ts";
import { endProcess, lacking, linesOf, type Real, startAgent, startSystemd } from "./testing-real.ts";

const skip = lacking("unshare", "systemd", "dbus");

// Each start and each stop leaves a line, and takes so long that an agent can be killed meanwhile.
const services = (dir: string) => ({
  "web.service": `ExecStartPre=/bin/sh -c "echo start >> ${dir}/web; sleep 0.4"\nExecStart=/bin/sleep 100000\nExecStop=/bin/sh -c "echo stop >> ${dir}/web; sleep 0.4"\n`,
  // Nothing wants it: systemd forgets it as soon as it is over.
  "once.service": `Type=oneshot\nExecStart=/bin/sh -c "echo start >> ${dir}/once; sleep 0.4"\n`,
});

const rules = (address: string): string =>
  `${["restart", "stop", "start"].map((verb) => `[[allow]]\naction = "systemd.${verb}"\ntarget = ["*"]\n`).join("")}[systemd]\nbus = "${address}"\nevery = "250ms"\n[net]\nenabled = false\n[docker]\nenabled = false\n[nvidia]\nenabled = false\n`;

interface Ticket {
  readonly state: string;
  readonly before: { readonly InvocationID: string };
  readonly evidence: { readonly InvocationID: string; readonly ActiveState: string };
}

interface Moment {
  readonly name: string;
  readonly verb: "restart" | "stop" | "start";
  readonly unit?: "once";
  /** Lines that the act has left when the agent is killed; none for as soon as the hive knows of the claim. */
  readonly lines: number;
  readonly leaves: readonly string[];
  readonly ends?: "unknown";
}

const moments: readonly Moment[] = [
  { name: "as soon as the hive knows of the claim", verb: "restart", lines: 0, leaves: ["stop", "start"] },
  { name: "while systemd stops it", verb: "restart", lines: 1, leaves: ["stop", "start"] },
  { name: "while systemd starts it again", verb: "restart", lines: 2, leaves: ["stop", "start"] },
  { name: "while systemd stops it for good", verb: "stop", lines: 1, leaves: ["stop"] },
  {
    name: "while something runs of which systemd keeps nothing",
    ...({ verb: "start", unit: "once", lines: 1, leaves: ["start"], ends: "unknown" } as const),
  },
];

/** A hive, a systemd, and the agent that runs now. */
class Stage {
  readonly at: HostHive;
  readonly systemd: Real;
  agent: ChildProcess;

  constructor(at: HostHive, systemd: Real) {
    this.at = at;
    this.systemd = systemd;
    this.agent = startAgent(at, rules(systemd.address));
  }

  again(): void {
    this.agent = startAgent(this.at, rules(this.systemd.address));
  }

  lines(unit: string): string[] {
    return linesOf(join(this.systemd.dir, unit));
  }

  async stateOf(id: string): Promise<string> {
    return (
      new RegExp(`^id=${id} state=(\\w+)`, "m").exec(await this.at.read("/host/tickets/status"))?.[1] ?? ""
    );
  }

  async do(id: string, verb: string, unit = "web"): Promise<void> {
    const line = { id, action: `systemd.${verb}`, target: `${unit}.service` };
    assert.equal(await this.at.spec(line), "ok");
  }

  async ended(id: string): Promise<Ticket> {
    return (await this.at.ended(id)) as unknown as Ticket;
  }
}

async function eachOnce(stage: Stage): Promise<void> {
  const done = stage.lines("web").length;
  for (const [id, verb] of [
    ["t-1", "restart"],
    ["t-2", "stop"],
    ["t-3", "start"],
  ] as const) {
    await stage.do(id, verb);
    const { state, before: was, evidence: now } = await stage.ended(id);
    assert.equal(state, "succeeded", verb);
    assert.equal(now.ActiveState, verb === "stop" ? "inactive" : "active");
    assert.equal(was.InvocationID === now.InvocationID, verb === "stop", verb);
  }
  assert.deepEqual(stage.lines("web").slice(done), ["stop", "start", "stop", "start"]);
}

async function killedAt(stage: Stage, id: string, moment: Moment): Promise<void> {
  const { verb, unit = "web", lines, leaves, ends = "succeeded" } = moment;
  const done = stage.lines(unit).length;
  await stage.do(id, verb, unit);
  await until("the moment", async () => {
    const here =
      lines === 0 ? (await stage.stateOf(id)) !== "queued" : stage.lines(unit).length >= done + lines;
    return here ? true : undefined;
  });
  await endProcess(stage.agent, "SIGKILL");
  assert.match(await stage.stateOf(id), /claimed|running/);
  stage.again();
  const { state, before: was, evidence: now } = await stage.ended(id);
  assert.equal(state, ends);
  if (verb === "restart") assert.notEqual(was.InvocationID, now.InvocationID);
  if (verb === "stop") assert.equal(now.ActiveState, "inactive");
  assert.deepEqual(stage.lines(unit).slice(done), leaves);
}

test("tickets act on the services of a real systemd", { skip }, async (t) => {
  let systemd: Real;
  try {
    systemd = await startSystemd(services, ["web.service"]);
  } catch (cause) {
    return t.skip(`no systemd starts here: ${(cause as Error).message}`);
  }
  await using _real = systemd;
  await using at = await hostHive();
  const stage = new Stage(at, systemd);
  t.after(() => endProcess(stage.agent, "SIGKILL"));
  await until("the services", async () => {
    const names = await at.read("/host/alpha/names").catch(() => "");
    return names.includes("web.service") && names.includes("once.service") ? true : undefined;
  });
  await t.test("a service is restarted, stopped and started, each once", () => eachOnce(stage));
  for (const [n, moment] of moments.entries())
    await t.test(`an agent that is killed ${moment.name} neither repeats nor loses the ${moment.verb}`, () =>
      killedAt(stage, `k-${n}`, moment),
    );
  await endProcess(stage.agent, "SIGKILL");
  return undefined;
});
