import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { printOffer } from "@skep/invite";
import { lentOf, offerOf } from "./offer.ts";
import { offerKey, offerValues } from "./wire.ts";
import { loadConfig } from "../../config/mod.ts";

const now = 1_800_000_000_000;
const MiB = 1024 * 1024;

function identity() {
  const { privateKey } = generateKeyPairSync("ed25519");
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  return { key: privateKey, node: Buffer.from(x, "base64url").toString("hex") };
}

const ann = identity();
const eve = identity();
const lent = { cores: 1, memory: 64 * MiB, wallTime: 60_000 };
const said = (node: string, key = ann.key, made = now) =>
  Buffer.from(printOffer(offerOf(node, lent, made, 3_600_000), key));
const rule = () => {
  const [found] = Object.values(offerValues(() => now));
  assert.ok(found);
  return found;
};

test("the table keeps an offer under the key of the machine that signed it, and nothing else", () => {
  rule().check(offerKey(ann.node), said(ann.node));
  assert.throws(() => rule().check(offerKey(ann.node), said(eve.node, eve.key)), {
    code: "volunteer.unknown",
  });
  assert.throws(() => rule().check(offerKey(ann.node), said(ann.node, eve.key)), { code: "offer.forged" });
  assert.throws(() => rule().check(offerKey(ann.node), said(ann.node, ann.key, now - 3_600_000)), {
    code: "offer.expired",
  });
  assert.throws(() => rule().check(offerKey(ann.node), Buffer.from("hello")), { code: "offer.damaged" });
});

test("the newer of two offers is the one that counts", () => {
  const [old, fresh] = [said(ann.node, ann.key, now - 1000), said(ann.node)];
  assert.ok(rule().compare(fresh, old) > 0 && rule().compare(old, fresh) < 0);
});

test("nothing above the configuration is lent, whatever is asked for", () => {
  const defaults = loadConfig({ home: "/nowhere", env: {}, flags: {} }).values;
  const asked = { cores: 10_000, memory: 2 ** 50, wallTime: 2 ** 40 };
  const found = lentOf(asked, defaults);
  assert.ok(found.memory <= defaults["sandbox.memory"] && found.cores < 10_000);
  assert.equal(found.wallTime, defaults["sandbox.wall_time"]);
});
