import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Session } from "@skep/kernel";
import { mintMac } from "@skep/macticket";
import { createClient, wireFromSocket } from "@skep/ninep";
import { ConsoleClient } from "@skep/testing";
import { createRoot, mint } from "@skep/ticket";
import { dial } from "../client/connect.ts";
import { allSecrets } from "../config/mod.ts";
import { startTestHive, type TestHive } from "../testing/hive.ts";

const spawn = '{"spawn":"heartbeat","ticks":1}';

let place: TestHive;
let owner: Session;

before(async () => {
  place = await startTestHive(undefined, { SKEP_CONSOLE: "0" });
  owner = place.hive.door.owner("test");
});
after(() => place[Symbol.asyncDispose]());

async function ticketFor(subject: string, expiresAt?: number): Promise<string> {
  const { keys, kernel } = place.hive;
  const issuedAt = kernel.time.now();
  const rights = [{ path: "/", verb: "*" }];
  const claims = { subject, role: "queen" as const, hive: keys.hive, rights, issuedAt };
  return mint(createRoot(keys.ticket.key), expiresAt === undefined ? claims : { ...claims, expiresAt });
}

async function overNinep(aname: string): Promise<void> {
  const at = place.at["9p"] ?? assert.fail("no 9P");
  const socket = await dial({ place: at, aname, name: "test" });
  try {
    const client = await createClient(wireFromSocket(socket), { aname });
    await client.append("/queen/ctl", spawn);
    await client.close();
  } catch {
    socket.destroy();
  }
}

/** Every file that the owner can list, its twin, and the records themselves; no file that waits or takes commands. */
async function dump(path = "/"): Promise<string> {
  const parts: string[] = [];
  for (const { name, kind } of await owner.list(await owner.find(path))) {
    const at = path === "/" ? `/${name}` : `${path}/${name}`;
    if (at === "/shard" || at.endsWith(".follow")) continue;
    if (kind === "dir") parts.push(await dump(at));
    else for (const one of [at, `${at}.json`]) parts.push(await shown(one));
  }
  return parts.join("\n");
}

async function shown(path: string): Promise<string> {
  const bytes = await owner.read(path).catch(() => new Uint8Array(0));
  return Buffer.from(bytes).toString("latin1");
}

function stored(dir: string): string {
  return readdirSync(dir)
    .map((name) => join(dir, name))
    .map((path) => {
      const found = statSync(path);
      if (found.isDirectory()) return stored(path);
      return found.isFile() ? readFileSync(path, "latin1") : "";
    })
    .join("\n");
}

test("neither a file of the tree nor the journal ever shows a ticket, a token or a secret, good or bad", async () => {
  const secrets = allSecrets(place.hive.config, place.home);
  const token = secrets["console.token"].secret.reveal();
  const secret = secrets["console.secrets.queen"].secret.reveal();
  const good = await ticketFor("ann");
  const late = await ticketFor("bob", place.hive.kernel.time.now() - 1000);
  const forged = `${good.slice(0, -60)}${good.slice(-60).split("").reverse().join("")}`;
  const issuedAt = BigInt(place.hive.kernel.time.now());
  const mac = mintMac(secret, { role: "queen", subject: "carl", issuedAt, mount: { service: "", at: "" } });
  const wrongMac = mintMac("guessed", {
    role: "queen",
    subject: "carl",
    issuedAt,
    mount: { service: "", at: "" },
  });
  for (const one of [good, late, forged, `${good}:/nowhere`, mac]) await overNinep(one);
  const at = place.at.console ?? assert.fail("no console");
  for (const ticket of [good, mac]) {
    const client = await ConsoleClient.attached(at, token, "queen", ticket);
    await client.ask(`ECHO /queen/ctl ${spawn}`);
    await client.close();
  }
  await ConsoleClient.attached(at, token, "queen", wrongMac).catch(() => undefined);
  await ConsoleClient.attached(at, `${token}x`, "queen").catch(() => undefined);
  await owner.append("/queen/ctl", spawn);

  const tree = await dump();
  const { segments } = place.hive.kernel.journal;
  const records = Buffer.concat(await Array.fromAsync(await segments.read(0, segments.records)));
  const everything = [tree, records.toString("latin1"), stored(join(place.home, "hive"))].join("\n");
  for (const subject of ["ann", "carl", "owner"]) assert.match(everything, new RegExp(`"${subject}"`));
  const needles = { token, secret, good, late, forged, mac, wrongMac };
  for (const [name, needle] of Object.entries(needles)) {
    assert.ok(!everything.includes(needle), `the ${name} is shown`);
    // A part is enough to say whose it is, or to guess the rest.
    for (let from = 0; from + 40 <= needle.length; from += 20)
      assert.ok(!everything.includes(needle.slice(from, from + 40)), `a part of the ${name} is shown`);
  }
});
