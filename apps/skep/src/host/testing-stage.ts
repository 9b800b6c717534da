import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { homeTarget } from "../client/connect.ts";
import { type HostHive, hostHive } from "./testing.ts";
import { ended, type Real } from "./testing-real.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));

/** Allows the three acts on everything of one facet, and shows nothing else. */
function rulesFor(facet: "systemd" | "docker", line: string): string {
  const allowed = verbs.map((verb) => `[[allow]]\naction = "${facet}.${verb}"\ntarget = ["*"]\n`);
  const others = ["systemd", "docker", "net", "nvidia"].filter((one) => one !== facet);
  const off = others.map((one) => `[${one}]\nenabled = false\n`);
  return `${allowed.join("")}[${facet}]\n${line}\nevery = "250ms"\n${off.join("")}`;
}

const verbs = ["restart", "stop", "start"] as const;
type Verb = (typeof verbs)[number];

/** How a ticket ended, with what the target told before and after. */
export interface Outcome<Seen> {
  readonly state: string;
  readonly before: Seen;
  readonly evidence: Seen;
}

/** A hive, something real, and the agent that runs now. `Seen` is what the real thing tells of a target. */
export class Stage<Seen> {
  readonly at: HostHive;
  readonly real: Real;
  readonly #facet: "systemd" | "docker";
  readonly #start: () => ChildProcess;
  #agent: ChildProcess;

  /** `line` of the allow-list says where the real thing is. */
  constructor(at: HostHive, real: Real, facet: "systemd" | "docker", line: string) {
    this.at = at;
    this.real = real;
    this.#facet = facet;
    const { ticketFile, folder, hive } = at;
    const socket = socketOf(hive.home, hive.env);
    const rules = rulesFor(facet, line);
    this.#start = () => startAgent({ ticketFile, socket, folder, env: hive.env }, rules);
    this.#agent = this.#start();
  }

  /** Kills the agent. */
  kill(): Promise<void> {
    return ended(this.#agent, "SIGKILL");
  }

  /** Starts the agent anew. */
  again(): void {
    this.#agent = this.#start();
  }

  async ask(id: string, verb: Verb, target: string): Promise<void> {
    assert.equal(await this.at.spec({ id, action: `${this.#facet}.${verb}`, target }), "ok");
  }

  async stateOf(id: string): Promise<string> {
    const told = await this.at.read("/host/tickets/status");
    return new RegExp(`^id=${id} state=(\\w+)`, "m").exec(told)?.[1] ?? "";
  }

  async ended(id: string): Promise<Outcome<Seen>> {
    return (await this.at.ended(id)) as unknown as Outcome<Seen>;
  }

  /** Restarts, stops and starts a target, one after the other. */
  async each(target: string, check: (verb: Verb, was: Seen, now: Seen) => void): Promise<void> {
    for (const verb of verbs) {
      const id = `each-${verb}`;
      await this.ask(id, verb, target);
      const { state, before, evidence } = await this.ended(id);
      assert.equal(state, "succeeded", verb);
      check(verb, before, evidence);
    }
  }
}

/** Starts what a test needs, or skips it with the reason. */
export async function stageOf<Seen>(
  t: TestContext,
  start: () => Promise<Real>,
  facet: "systemd" | "docker",
  line: (address: string) => string,
): Promise<Stage<Seen> | undefined> {
  let real: Real;
  try {
    real = await start();
  } catch (cause) {
    t.skip(`it does not run here: ${(cause as Error).message}`);
    return undefined;
  }
  const things = new AsyncDisposableStack();
  t.after(() => things.disposeAsync());
  things.use(real);
  const at = things.use(await hostHive());
  const stage = new Stage<Seen>(at, real, facet, line(real.address));
  things.defer(() => stage.kill());
  return stage;
}

/** The socket of a home. */
export function socketOf(home: string, env: Readonly<Record<string, string>>): string {
  const { place } = homeTarget(home, env);
  return "path" in place ? place.path : "";
}

/** Where an agent of a process of its own works. */
export interface AgentPlace {
  readonly ticketFile: string;
  /** Socket of the hive. */
  readonly socket: string;
  readonly folder: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `skep host` in a process of its own, with these lines as its allow-list. */
export function startAgent({ ticketFile, socket, folder, env }: AgentPlace, rules: string): ChildProcess {
  const file = join(folder, "host.toml");
  writeFileSync(file, rules);
  const where = ["--ticket", ticketFile, "--hive", socket, "--rules", file, "--folder", folder];
  return spawn(process.execPath, [main, "host", ...where], {
    stdio: "ignore",
    env: { ...process.env, ...env },
  });
}
