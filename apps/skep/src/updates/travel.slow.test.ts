import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { applyUpdate } from "./apply.ts";
import { pack, type Packed } from "./pack.ts";
import { uploadUpdate } from "./remote.ts";
import { countedClient, noise, startUpdatesHive } from "./testing.ts";

const size = 100_000_000;
const most = 5_000_000;
const nothing = { sent: () => undefined };

let hive: Awaited<ReturnType<typeof startUpdatesHive>>;
let payload: Buffer;
before(async () => {
  hive = await startUpdatesHive();
  payload = noise(size, "release");
});
after(() => hive[Symbol.asyncDispose]());

async function packed(epoch: string, bytes: Buffer): Promise<Packed> {
  const file = join(hive.dir, "payload");
  writeFileSync(file, bytes);
  return pack(file, { epoch, key: hive.key, to: join(hive.dir, `r${epoch}`), fixed: false });
}

/** One per cent of the payload changed, in twenty places. */
function changedInTwenty(): Buffer {
  const changed = Buffer.from(payload);
  for (let place = 0; place < 20; place += 1)
    noise(size / 2000, `change ${place}`).copy(changed, place * (size / 20) + 1_234_567);
  return changed;
}

/** Uploads over a connection that is cut again and again; gives the bytes that travelled in all. */
async function uploadCut(update: Packed, cuts: number, after: number): Promise<number> {
  let all = 0;
  for (let cut = 0; cut < cuts; cut += 1) {
    const { client, travelled } = await countedClient(hive.home, hive.env, after);
    await assert.rejects(uploadUpdate(client, update, nothing));
    all += travelled();
  }
  const { client, travelled } = await countedClient(hive.home, hive.env);
  await using _ = client;
  assert.equal((await uploadUpdate(client, update, nothing)).state, "ready");
  return all + travelled();
}

test("a release of 100 MB goes on after three cuts; a changed and a shifted one travel in under 5 MB each", async (t) => {
  const first = await uploadCut(await packed("1", payload), 3, 20_000_000);
  assert.ok(first < size + 25_000_000, `${first} bytes`);
  const changed = changedInTwenty();
  const second = await uploadCut(await packed("2", changed), 3, 500_000);
  t.diagnostic(`1 % in twenty places, three cuts: ${second} bytes`);
  assert.ok(second < most, `${second} bytes`);
  const third = await uploadCut(await packed("3", Buffer.concat([Buffer.from("!"), payload])), 0, 0);
  t.diagnostic(`one byte in front: ${third} bytes`);
  assert.ok(third < most, `${third} bytes`);
  const [to, owner] = [join(hive.dir, "to"), join(hive.dir, "owner")];
  for (const dir of [to, owner]) mkdirSync(dir, { mode: 0o700 });
  writeFileSync(join(owner, "owner.toml"), `[updates]\nkeys = ["${hive.publicKey}"]\n`);
  const applying = { to, owner, health: [], timeout: 1000 };
  const counts: number[] = [];
  for (const epoch of ["1", "2"]) {
    const { client, travelled } = await countedClient(hive.home, hive.env);
    await using _ = client;
    await applyUpdate(client, epoch, applying);
    counts.push(travelled());
  }
  t.diagnostic(`to the machine: ${counts.join(" and ")} bytes`);
  assert.ok((counts[1] ?? size) < most);
  assert.ok(readFileSync(join(to, "current", "payload")).equals(changed));
});
