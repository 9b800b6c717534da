import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { publicHex } from "../updates/pack.ts";
import { hostHive, until } from "./testing.ts";

const rights = ["/host/alpha:rw", "/proc:read", "/models:rw"];

test("a packed model of the host is brought to the hive, made active and taken back through tickets", async () => {
  const { privateKey } = generateKeyPairSync("ed25519");
  await using at = await hostHive(rights, { SKEP_MODELS_KEYS: publicHex(privateKey) });
  const folder = join(at.folder, "packed");
  mkdirSync(folder);
  const key = join(at.folder, "release.pem");
  writeFileSync(key, privateKey.export({ format: "pem", type: "pkcs8" }), { mode: 0o600 });
  writeFileSync(join(at.folder, "schema.json"), '{"format":"raw"}');
  for (const serial of [1, 2]) {
    const weights = join(at.folder, `weights-${serial}`);
    writeFileSync(weights, `weights of ${serial} `.repeat(1000));
    const words = [
      "--name",
      "edge",
      "--serial",
      String(serial),
      "--key",
      key,
      "--to",
      join(folder, `edge-${serial}`),
    ];
    const schema = ["--schema", join(at.folder, "schema.json")];
    const { code, err } = await at.hive.skep(["model", "pack", weights, ...words, ...schema]);
    assert.equal(code, 0, err);
  }
  at.start([], { models: () => folder });
  await until("the host", async () =>
    /version=test/.test(await at.read("/host/alpha/info").catch(() => "")) ? true : undefined,
  );
  const ask = async (id: string, verb: string, target: string) => {
    assert.equal(await at.spec({ id, action: `peft.${verb}`, target }), "ok");
    return at.ended(id);
  };
  const models: string[] = [];
  for (const serial of [1, 2]) {
    const { state, evidence, reason } = await ask(`i-${serial}`, "import", `edge-${serial}`);
    assert.equal(state, "succeeded", String(reason));
    const { model, state: stage } = evidence as { model: string; state: string };
    assert.equal(stage, "ready");
    models.push(model);
  }
  const active = async () => (JSON.parse(await at.read("/models/active.json")) as { model: string }).model;
  for (const [n, model] of models.entries()) {
    assert.equal((await ask(`a-${n}`, "activate", model)).state, "succeeded");
    assert.equal(await active(), model);
  }
  assert.equal((await ask("r-1", "rollback", "edge")).state, "succeeded");
  assert.equal(await active(), models[0]);
  for (const target of ["none", "../packed"]) {
    const { state } = await ask(`x-${target.length}`, "import", target);
    assert.equal(state, "failed", target);
  }
});
