import assert from "node:assert/strict";
import { test } from "node:test";
import { recordingFiles } from "@skep/testing";
import { made, part, rig, sha256 } from "./rig.test.ts";

/** Power cuts that are tried at each moment. */
const perMoment = 3;

const digestOf = (image: Iterable<readonly [string, Uint8Array]>): string =>
  sha256([...image].map(([name, bytes]) => `${name} ${sha256(bytes)}`).join(" "));

test("wherever the power goes, the pointer is what was acknowledged last or the step under way, with its history", async (t) => {
  const files = recordingFiles();
  const hive = await rig(t, { files });
  const one = made("a", 1, [part("a")]);
  await hive.bring(one);
  const shown = (json: Buffer): string => {
    const { id, before } = JSON.parse(json.toString());
    return [...before.map((each: { readonly id: string }) => each.id), id]
      .map((each) => each || "-")
      .join(" ");
  };
  const began = files.moment;
  const states = [{ at: began, shows: shown(await hive.read("/models/active.json")) }];
  for (const line of [
    { op: "activate", model: "vision-base-v1" },
    { op: "activate", model: "a" },
    { op: "rollback" },
  ]) {
    await hive.say(line);
    states.push({ at: files.moment, shows: shown(await hive.read("/models/active.json")) });
  }
  assert.deepEqual(
    states.map(({ shows }) => shows),
    ["-", "- vision-base-v1", "- vision-base-v1 a", "- vision-base-v1"],
  );
  const seen = new Set<string>();
  let cuts = 0;
  for (let moment = began; moment <= files.moment; moment += 1)
    for (const { image } of files.powerCuts(moment).take(perMoment)) {
      const last = states.findLastIndex(({ at }) => at <= moment);
      // Alike bytes recover alike.
      const key = `${last} ${digestOf(image)}`;
      if (seen.has(key)) continue;
      seen.add(key);
      cuts += 1;
      const again = await rig(t, { files: recordingFiles(image), blobs: hive.dir });
      const shows = shown(await again.read("/models/active.json"));
      const allowed = states.slice(last, last + 2).map((each) => each.shows);
      assert.ok(allowed.includes(shows), `after ${moment}: ${shows}, not ${allowed.join(" or ")}`);
      assert.equal((await again.status(one)).state, "ready");
      await again.kernel.close();
    }
  t.diagnostic(`${cuts} cuts`);
  assert.ok(cuts >= 4, `${cuts} cuts`);
});

test("a check that was under way when the power went is made again", async (t) => {
  const files = recordingFiles();
  const hive = await rig(t, { files });
  const one = made("a", 1, [part("a")]);
  await hive.put(hive.at(one, "manifest.json"), one.bytes);
  await hive.put(hive.at(one, "signature"), one.signature);
  // Acknowledged, and not yet looked at, or only just.
  const again = await rig(t, { files: recordingFiles(files.image()), blobs: hive.dir });
  assert.equal((await again.status(one)).state, "pending");
});

test("wherever the power goes between a part and its record, bringing the model again makes it ready, once", async (t) => {
  const files = recordingFiles();
  const hive = await rig(t, { files });
  const one = made("a", 1, [part("a"), part("b")]);
  const began = files.moment;
  assert.equal(await hive.bring(one), "ready");
  const states = new Set<string>();
  const seen = new Set<string>();
  for (let moment = began; moment <= files.moment; moment += 1)
    for (const { image } of files.powerCuts(moment).take(1)) {
      const key = digestOf(image);
      if (seen.has(key)) continue;
      seen.add(key);
      // The blobs of the whole import are there, and records of a part of it.
      const again = await rig(t, { files: recordingFiles(image), blobs: hive.dir });
      const { state } = await again.status(one);
      states.add(state);
      assert.equal(await again.bring(one), "ready", `after ${moment}, when it was ${state}`);
      await again.kernel.close();
    }
  assert.deepEqual([...states].sort(), ["empty", "pending", "ready", "unsigned"]);
});
