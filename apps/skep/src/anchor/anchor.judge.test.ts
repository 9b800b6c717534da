import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { startTestHive } from "../testing/hive.ts";
import { Authority, withoutOpenssl as skip } from "./authority.ts";
import { fakeRekor } from "./fake-rekor.ts";

test("a pack is stamped and uploaded, which openssl and the log's key confirm; who does not answer stops nothing", {
  skip,
}, async (t) => {
  using authority = new Authority();
  const log = fakeRekor();
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request as AsyncIterable<Buffer>));
    if (request.url === "/tsa") response.end(authority.answer(body));
    else if (request.url === "/api/v2/log/entries") response.end(log.answer(body.toString()));
    else response.writeHead(500).end();
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;
  const place = await startTestHive();
  t.after(async () => {
    await place[Symbol.asyncDispose]();
    await new Promise((resolve) => server.close(resolve));
  });
  const { skep, dir } = place;
  const at = (name: string): string => join(dir, name);
  writeFileSync(at("ca.pem"), authority.root);

  const anchors = ["--timestamp", `${base}/tsa`, "--rekor", base];
  assert.equal((await skep(["evidence", "pack", at("one"), ...anchors])).code, 0);
  const manifest = readFileSync(join(at("one"), "manifest.json"));
  assert.match(authority.verifies(readFileSync(at("one.tsr")), manifest), /OK/);
  const trusting = ["--tsa-ca", at("ca.pem"), "--rekor-key", log.key];
  const told = await skep(["evidence", "verify", at("one"), ...trusting]);
  assert.match(
    told.out,
    /\n {2}timestamp 20\S+ by O=Example, CN=stamps\n {2}entry 0 of log2026\.rekor\.example\n$/,
  );
  using other = new Authority();
  writeFileSync(at("other.pem"), other.root);
  assert.equal((await skep(["evidence", "verify", at("one"), "--tsa-ca", at("other.pem")])).code, 4);
  writeFileSync(
    at("one.rekor.json"),
    readFileSync(at("one.rekor.json"), "utf8").replaceAll('"logIndex":"0"', '"logIndex":"1"'),
  );
  assert.equal((await skep(["evidence", "verify", at("one")])).code, 1);

  const silent = await skep(["evidence", "bundle", at("two.tar"), "--timestamp", `${base}/none`]);
  assert.equal(silent.code, 0);
  assert.match(silent.err, /warning: No timestamp: .*status 500.*; the pack stands without it/);
  assert.equal(existsSync(at("two.tar.tsr")), false);
  assert.equal((await skep(["evidence", "pack", at("three"), "--rekor", "ftp://x"])).code, 2);
  assert.equal(existsSync(at("three")), false);
});
