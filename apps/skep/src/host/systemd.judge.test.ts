import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { FakeSystemd } from "@skep/testing";
import { homeTarget } from "../client/connect.ts";
import { type HostHive, hostHive, until } from "./testing.ts";

const main = fileURLToPath(new URL("../main.mjs", import.meta.url));
const daemon = ["/usr/bin/dbus-daemon", "/bin/dbus-daemon"].find((path) => existsSync(path));
const skip = daemon === undefined && "dbus-daemon (Debian package dbus-daemon) is not installed";
const dir = mkdtempSync(join(tmpdir(), "skep-host-bus-"));
const address = `unix:path=${join(dir, "bus")}`;
const fake = new FakeSystemd(["web.service", "db.service"]);
let bus: ChildProcess | undefined;
let served: Disposable | undefined;

const config = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>session</type><listen>${address}</listen><auth>EXTERNAL</auth><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`;

before(async () => {
  if (daemon === undefined) return;
  writeFileSync(join(dir, "bus.conf"), config);
  bus = spawn(daemon, [`--config-file=${join(dir, "bus.conf")}`, "--nofork"], { stdio: "ignore" });
  await until("the bus", () => (existsSync(join(dir, "bus")) ? true : undefined));
  served = await fake.serve(address);
});
after(() => {
  served?.[Symbol.dispose]();
  bus?.kill();
  rmSync(dir, { recursive: true, force: true });
});

/** `skep host` in a process of its own. */
function startAgent(at: HostHive): ChildProcess {
  const rules = join(at.folder, "host.toml");
  writeFileSync(
    rules,
    `[[allow]]\naction = "systemd.restart"\ntarget = ["web.service"]\n[systemd]\nbus = "${address}"\nevery = "250ms"\n[net]\nenabled = false\n[docker]\nenabled = false\n[nvidia]\nenabled = false\n`,
  );
  const { place } = homeTarget(at.hive.home, at.hive.env);
  const socket = "path" in place ? place.path : "";
  const args = [
    main,
    "host",
    "--ticket",
    at.ticketFile,
    "--hive",
    socket,
    "--rules",
    rules,
    "--folder",
    at.folder,
  ];
  const child = spawn(process.execPath, args, {
    stdio: "ignore",
    env: { ...process.env, ...at.hive.env },
  });
  return child;
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

const names = (at: HostHive) =>
  until("the names", async () =>
    /web/.test(await at.read("/host/alpha/names").catch(() => "")) ? true : undefined,
  );

async function killed(at: HostHive, when: "before" | "after"): Promise<Readonly<Record<string, unknown>>> {
  const first = startAgent(at);
  await names(at);
  const here = Promise.withResolvers<void>();
  fake[when] = async () => {
    fake[when] = async () => undefined;
    first.kill("SIGKILL");
    await ended(first);
    here.resolve();
    if (when === "before") throw new Error("it was killed before");
  };
  assert.equal(await at.spec({ id: "t-1", action: "systemd.restart", target: "web.service" }), "ok");
  await here.promise;
  assert.match(await at.read("/host/tickets/status"), /^id=t-1 state=running/);
  const second = startAgent(at);
  try {
    return await at.ended("t-1");
  } finally {
    second.kill("SIGTERM");
    await ended(second);
    assert.equal(second.exitCode, 0);
  }
}

test("an agent that is killed after systemd restarted a service does not restart it again", {
  skip,
}, async () => {
  await using at = await hostHive();
  fake.done.length = 0;
  const { state, before: was, evidence } = await killed(at, "after");
  assert.equal(state, "succeeded");
  assert.deepEqual(fake.done, ["restart web.service"]);
  const now = fake.units.get("web.service")?.InvocationID.toString("hex");
  assert.equal((evidence as { InvocationID: string }).InvocationID, now);
  assert.notEqual((was as { InvocationID: string }).InvocationID, now);
});

test("one that is killed before systemd did it has it done by its next start", { skip }, async () => {
  await using at = await hostHive();
  fake.done.length = 0;
  const { state } = await killed(at, "before");
  assert.equal(state, "succeeded");
  assert.deepEqual(fake.done, ["restart web.service"]);
});
