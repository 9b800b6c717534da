import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { readTimestamp, timestampQuery } from "@skep/evidence";
import { Authority, withoutOpenssl as skip } from "./authority.ts";

const data = Buffer.from("what was so\n");
const digest = createHash("sha256").update(data).digest();
const nonce = Buffer.from("80f0e0d0c0b0a090", "hex");
const corrupt = { code: "evidence.timestamp" };

for (const kind of ["ec", "rsa"] as const)
  test(`openssl answers our request with its ${kind} key, both read the answer, and no byte of it changes what is read`, {
    skip,
  }, () => {
    using authority = new Authority(kind);
    const answer = authority.answer(timestampQuery(digest, nonce));
    assert.match(authority.verifies(answer, data), /OK/);
    const read = readTimestamp(answer, digest, { roots: [authority.root], nonce });
    assert.deepEqual([read.serial, read.authority, read.trusted], ["02", "O=Example, CN=stamps", true]);
    assert.ok(Math.abs(read.time - Date.now()) < 600_000);
    assert.equal(readTimestamp(answer, digest).trusted, false);
    using other = new Authority();
    assert.equal(readTimestamp(answer, digest, { roots: [other.root] }).trusted, false);
    assert.throws(() => readTimestamp(answer, createHash("sha256").update("else").digest()), corrupt);
    assert.throws(() => readTimestamp(answer, digest, { nonce: Buffer.alloc(8, 1) }), corrupt);
    // What nobody signed, such as versions, may change: then it is still read the same.
    const sound = readTimestamp(answer, digest, { roots: [authority.root], nonce });
    for (let at = 0; at < answer.length; at += 7) {
      const changed = Buffer.from(answer);
      changed[at] = (changed[at] ?? 0) ^ 1;
      let told: unknown;
      try {
        told = readTimestamp(changed, digest, { roots: [authority.root], nonce });
      } catch (thrown) {
        assert.equal((thrown as { code: string }).code, "evidence.timestamp", `byte ${at}`);
        continue;
      }
      assert.deepEqual(told, sound, `byte ${at}`);
    }
    for (let end = 0; end < answer.length; end += 11)
      assert.throws(() => readTimestamp(answer.subarray(0, end), digest), corrupt);
  });
