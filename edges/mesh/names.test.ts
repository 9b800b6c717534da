import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { simulatedClock } from "@skep/testing";
import type { MeshEvent } from "./contract.ts";
import { Events } from "./events.ts";
import { Names } from "./names.ts";

const clock = simulatedClock(1);

function stage(upstreams: readonly string[], system: (name: string) => Promise<readonly string[]>) {
  const events = new Events(clock);
  const seen: MeshEvent[] = [];
  events.on((event) => seen.push(event));
  return { names: new Names(clock, events, upstreams, system), seen };
}

const broken = () => Promise.reject(new Error("EAI_AGAIN"));

async function service(answers: Readonly<Record<string, object>>) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://x");
    const key = `${url.searchParams.get("name")} ${url.searchParams.get("type")}`;
    asked.push(key);
    const answer = answers[key];
    response
      .writeHead(answer ? 200 : 500, { "content-type": "application/dns-json" })
      .end(JSON.stringify(answer ?? {}));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const at = server.address();
  const port = typeof at === "object" && at ? at.port : 0;
  return { asked, url: `http://127.0.0.1:${port}/dns-query`, [Symbol.dispose]: () => void server.close() };
}

test("the system is asked first, and nobody else when it answers", async () => {
  using upstream = await service({});
  const { names, seen } = stage([upstream.url], async () => ["192.0.2.7"]);
  assert.deepEqual(await names.resolve("hive.example"), ["192.0.2.7"]);
  assert.deepEqual([upstream.asked, seen], [[], []]);
});

test("an answer without an end is not read to its end, and of very many addresses a few are used", async () => {
  using endless = await service({
    "hive.example A": { Comment: "x".repeat(70_000), Answer: [{ type: 1, data: "5.0.0.1" }] },
  });
  await assert.rejects(stage([endless.url], broken).names.resolve("hive.example"), { code: "mesh.names" });
  const data = Array.from({ length: 200 }, (_, at) => ({ type: 1, data: `5.0.0.${at}` }));
  using many = await service({ "hive.example A": { Answer: data }, "hive.example AAAA": {} });
  assert.equal((await stage([many.url], broken).names.resolve("hive.example")).length, 16);
});

test("when the system fails the first service with addresses answers, and that is told", async () => {
  using bad = await service({});
  using good = await service({
    "hive.example A": {
      Answer: [
        { type: 5, data: "other.example." },
        { type: 1, data: "5.0.0.1" },
      ],
    },
    "hive.example AAAA": {
      Answer: [
        { type: 28, data: "2a00::1" },
        { type: 28, data: "no address" },
      ],
    },
  });
  const { names, seen } = stage([bad.url, good.url], broken);
  assert.deepEqual(await names.resolve("hive.example"), ["5.0.0.1", "2a00::1"]);
  assert.deepEqual(
    seen.map((event) => event.kind === "names" && [event.name, event.by, event.upstream]),
    [["hive.example", "https", good.url]],
  );
  assert.deepEqual(await names.expand("/dns4/hive.example/tcp/7781"), ["/ip4/5.0.0.1/tcp/7781"]);
  assert.deepEqual(await names.expand("/dns/hive.example/tcp/443/tls/ws"), [
    "/dns/hive.example/tcp/443/tls/ws",
  ]);
});

test("names of the house are asked of nobody outside, and without an answer it is said so", async () => {
  using upstream = await service({});
  const { names } = stage([upstream.url], broken);
  for (const name of ["printer", "nas.local", "a.home.arpa", "db.internal"])
    await assert.rejects(names.resolve(name), { code: "mesh.names" });
  assert.deepEqual(upstream.asked, []);
  await assert.rejects(names.resolve("hive.example"), { code: "mesh.names" });
});
