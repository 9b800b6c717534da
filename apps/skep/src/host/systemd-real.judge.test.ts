// A systemd that nobody wrote for this: `systemd --user` with units of its own, in namespaces of its own.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "./testing.ts";
import { lacking, linesOf, startSystemd } from "./testing-real.ts";
import { type Stage, stageOf } from "./testing-stage.ts";

const skip = lacking("unshare", "systemd", "dbus");

// Each start and each stop leaves a line, and takes so long that an agent can be killed meanwhile.
const services = (dir: string) => ({
  "web.service": `ExecStartPre=/bin/sh -c "echo start >> ${dir}/web; sleep 0.4"\nExecStart=/bin/sleep 100000\nExecStop=/bin/sh -c "echo stop >> ${dir}/web; sleep 0.4"\n`,
  // Nothing wants it: systemd forgets it as soon as it is over.
  "once.service": `Type=oneshot\nExecStart=/bin/sh -c "echo start >> ${dir}/once; sleep 0.4"\n`,
});

interface Seen {
  readonly InvocationID: string;
  readonly ActiveState: string;
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

const linesIn = ({ real }: Stage<Seen>, unit: string): string[] => linesOf(join(real.dir, unit));

async function eachOnce(stage: Stage<Seen>): Promise<void> {
  const done = linesIn(stage, "web").length;
  await stage.each("web.service", (verb, was, now) => {
    assert.equal(now.ActiveState, verb === "stop" ? "inactive" : "active");
    assert.equal(was.InvocationID === now.InvocationID, verb === "stop", verb);
  });
  assert.deepEqual(linesIn(stage, "web").slice(done), ["stop", "start", "stop", "start"]);
}

async function killedAt(stage: Stage<Seen>, id: string, moment: Moment): Promise<void> {
  const { verb, unit = "web", lines, leaves, ends = "succeeded" } = moment;
  const done = linesIn(stage, unit).length;
  await stage.ask(id, verb, `${unit}.service`);
  await until("the moment", async () => {
    const here =
      lines === 0 ? (await stage.stateOf(id)) !== "queued" : linesIn(stage, unit).length >= done + lines;
    return here ? true : undefined;
  });
  await stage.kill();
  assert.match(await stage.stateOf(id), /claimed|running/);
  stage.again();
  const { state, before: was, evidence: now } = await stage.ended(id);
  assert.equal(state, ends);
  if (verb === "restart") assert.notEqual(was.InvocationID, now.InvocationID);
  if (verb === "stop") assert.equal(now.ActiveState, "inactive");
  assert.deepEqual(linesIn(stage, unit).slice(done), leaves);
}

test("tickets act on the services of a real systemd", { skip }, async (t) => {
  const start = () => startSystemd(services, ["web.service"]);
  const stage = await stageOf<Seen>(t, start, "systemd", (address) => `bus = "${address}"`);
  if (!stage) return;
  await until("the services", async () => {
    const names = await stage.at.read("/host/alpha/names").catch(() => "");
    return names.includes("web.service") && names.includes("once.service") ? true : undefined;
  });
  await t.test("a service is restarted, stopped and started, each once", () => eachOnce(stage));
  for (const [n, moment] of moments.entries())
    await t.test(`an agent that is killed ${moment.name} neither repeats nor loses the ${moment.verb}`, () =>
      killedAt(stage, `k-${n}`, moment),
    );
});
