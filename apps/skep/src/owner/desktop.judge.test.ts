import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Judgement } from "@skep/owner";
import { parseOwner } from "@skep/owner";
import { realClock } from "../clock.ts";
import { DesktopWatch } from "./desktop.ts";
import { seen } from "./testing.ts";
import { OwnerWatch } from "./watch.ts";

const daemon = ["/usr/bin/dbus-daemon", "/bin/dbus-daemon"].find((path) => existsSync(path));
const skip = daemon === undefined && "dbus-daemon (Debian package dbus-daemon) is not installed";

interface Mock {
  exportInterface(
    object: object,
    path: string,
    of: { readonly name: string; readonly methods: object; readonly properties: Record<string, string> },
  ): void;
  requestName(name: string, flags: number, done: (error: unknown) => void): void;
  sendSignal(path: string, of: string, name: string, signature: string, body: readonly unknown[]): void;
  readonly connection: { end(): void; on(event: "error", act: () => void): void };
}

const properties = "org.freedesktop.DBus.Properties";
const login = { path: "/org/freedesktop/login1", of: "org.freedesktop.login1.Manager" };
const power = { path: "/org/freedesktop/UPower", of: "org.freedesktop.UPower" };
const dir = mkdtempSync(join(tmpdir(), "skep-bus-"));
const address = `unix:path=${join(dir, "bus")}`;
const types: Record<string, string> = { IdleHint: "b", IdleSinceHint: "t", OnBattery: "b" };
const values: Record<string, unknown> = { IdleHint: true, IdleSinceHint: 0, OnBattery: false };
let bus: ChildProcess;
let mock: Mock;

/** A property changes, and everybody who follows it hears. */
function change(of: { path: string; of: string }, changed: Record<string, unknown>): void {
  Object.assign(values, changed);
  const pairs = Object.entries(changed).map(([name, value]) => [name, [types[name], value]]);
  mock.sendSignal(of.path, properties, "PropertiesChanged", "sa{sv}as", [of.of, pairs, []]);
}

before(async () => {
  if (daemon === undefined) return;
  const config = join(dir, "bus.conf");
  writeFileSync(
    config,
    `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>session</type><listen>${address}</listen><auth>EXTERNAL</auth><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`,
  );
  bus = spawn(daemon, [`--config-file=${config}`, "--nofork"], { stdio: "ignore" });
  await seen("the bus", () => (existsSync(join(dir, "bus")) ? true : undefined));
  const { createClient } = createRequire(import.meta.url)("@homebridge/dbus-native") as {
    createClient(options: { busAddress: string }): Mock;
  };
  mock = createClient({ busAddress: address });
  mock.connection.on("error", () => undefined);
  for (const { path, of } of [login, power])
    mock.exportInterface(values, path, { name: of, methods: {}, properties: types });
  for (const name of ["org.freedesktop.login1", "org.freedesktop.UPower"])
    await new Promise<void>((resolve, reject) => {
      mock.requestName(name, 0, (error) => (error ? reject(error as Error) : resolve()));
    });
});
after(() => {
  mock?.connection.end();
  bus?.kill();
  rmSync(dir, { recursive: true, force: true });
});

test("logind's hint and UPower's are read at the start, and each change is told at once", {
  skip,
}, async () => {
  const idleSince = 1_700_000_000_000;
  values.IdleSinceHint = idleSince * 1000;
  let told = 0;
  using watch = new DesktopWatch(address, realClock, () => {
    told += 1;
  });
  await watch.start();
  assert.deepEqual(watch.now, { idle: true, idleSince, battery: false });
  const before = told;
  change(login, { IdleHint: false });
  await seen("activity", () => (watch.now.idle === false ? true : undefined));
  change(power, { OnBattery: true });
  await seen("battery", () => (watch.now.battery === true ? true : undefined));
  assert.equal(told, before + 2);
});

test("who comes back to a locked desktop, and a plug that is pulled, freeze work by the bus alone", {
  skip,
}, async () => {
  values.IdleHint = true;
  values.IdleSinceHint = (Date.now() - 60_000) * 1000;
  values.OnBattery = false;
  const made: Judgement[] = [];
  const nowhere = join(dir, "nowhere");
  using watch = new OwnerWatch({
    sources: { proc: nowhere, sys: nowhere, devices: nowhere, bus: address, own: () => [] },
    clock: realClock,
    rules: parseOwner('[when]\nidle = "2s"\n[stop]\nbattery = true\n[react]\nquiet = "1s"', "owner.toml"),
    changed: (judgement) => made.push(judgement),
  });
  await watch.start();
  assert.equal(watch.judgement.state, "run");
  assert.deepEqual(watch.judgement.blind, []);
  change(login, { IdleHint: false });
  await seen("freeze", () => (watch.judgement.state === "freeze" ? true : undefined));
  assert.equal(watch.judgement.reasons[0]?.rule, "input");
  change(login, { IdleHint: true, IdleSinceHint: (Date.now() - 10_000) * 1000 });
  await seen("run", () => (watch.judgement.state === "run" ? true : undefined));
  change(power, { OnBattery: true });
  await seen("freeze", () => (watch.judgement.reasons[0]?.rule === "battery" ? true : undefined));
});

test("a bus that ends, or never was, is nothing to go by, and says so", { skip }, async () => {
  using watch = new DesktopWatch(`unix:path=${join(dir, "none")}`, realClock, () => undefined);
  await watch.start();
  assert.equal(watch.now.idle, undefined);
  assert.match(watch.why, /ENOENT|bus/);
});
