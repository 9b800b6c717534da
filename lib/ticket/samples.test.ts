import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Fault } from "@skep/fault";
import { blocksOf, open } from "./token.ts";

const folder = new URL("../../../shared/vectors/biscuit/", import.meta.url);
const skip = existsSync(folder) ? false : "shared/vectors/biscuit is not there";

interface Sample {
  readonly filename: string;
  readonly validations: Record<string, { readonly result: { readonly Err?: Record<string, unknown> } }>;
}
interface Samples {
  readonly root_public_key: string;
  readonly testcases: readonly Sample[];
}

test("the signatures of all official samples are judged as they should be", { skip }, async () => {
  const samples = JSON.parse(readFileSync(new URL("samples.json", folder), "utf8")) as Samples;
  const wrong: string[] = [];
  for (const { filename, validations } of samples.testcases) {
    const errors = Object.values(validations).map(({ result }) => Object.keys(result.Err ?? {})[0]);
    const isBroken = errors.every((error) => error === "Format");
    const text = readFileSync(new URL(filename, folder)).toString("base64url");
    let verdict = "opened";
    try {
      using token = await open(text, { rootPublicKeys: [samples.root_public_key] });
      assert.throws(() => blocksOf(token), { code: "ticket.unknown-fact" }, filename);
    } catch (thrown) {
      if (!(thrown instanceof Fault)) throw thrown;
      verdict = thrown.code;
    }
    if (isBroken !== (verdict === "ticket.forged" || verdict === "ticket.malformed"))
      wrong.push(`${filename}: ${verdict}, expected ${errors.join()}`);
  }
  assert.deepEqual(wrong, []);
  assert.equal(samples.testcases.length, 38);
});
