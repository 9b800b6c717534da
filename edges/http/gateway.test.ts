import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import { Fault } from "@skep/fault";
import { recordingFiles, simulatedClock, toyAuthority, toyHive } from "@skep/testing";
import { startRig } from "./testing.ts";

const readAll = {
  ...fullAuthority("gateway", "observer", "gateway"),
  allows: (_: string, verb: string) => (verb === "read" ? { meters: [] } : undefined),
};

async function rig(t: TestContext) {
  const clock = simulatedClock(Date.now());
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  const made = await startRig(t, {
    clock,
    kernel,
    gateway: { token: "gateway-secret", authority: readAll },
    tickets: (token) => {
      if (token === "queen" || token === "log") return fullAuthority("owner", "queen", token);
      if (token === "narrow") return toyAuthority("bob", { "/comb/hum": ["read", "write"] });
      throw new Fault(
        "unauthenticated",
        "ticket.forged",
        "Cannot accept ticket: no known root key signed it",
      );
    },
  });
  return { ...made, kernel, clock };
}

test("the gateway's verbs answer in the original's form, and a refusal of the target is 200 with ERR", async (t) => {
  const { get, post } = await rig(t);
  const ls = await get("/v1/fs/ls?path=/comb");
  assert.equal(ls.status, 200);
  assert.deepEqual(ls.json(), {
    status: "OK",
    verb: "LS",
    path: "/comb",
    end: true,
    lines: ["ctl", "count", "motto", "hum", "told", "bees", "cells"],
    bytes: 36,
  });
  assert.deepEqual((await get("/v1/fs/cat?path=/comb/count")).json(), {
    status: "OK",
    verb: "CAT",
    path: "/comb/count",
    end: true,
    lines: ["0"],
    bytes: 2,
  });
  const absent = await get("/v1/fs/cat?path=/nope");
  assert.equal(absent.status, 200);
  const { status, error, code } = absent.json();
  assert.deepEqual(
    { status, error, code },
    {
      status: "ERR",
      code: "session.absent",
      error: "reason=policy detail=invalid-path path=/nope error=invalid path",
    },
  );
  const line = { path: "/comb/ctl", line: '{"op":"hatch","bee":"maja"}' };
  const first = (await post("/v1/fs/echo", line)).json();
  assert.deepEqual([first.status, first.bytes, first.result], ["OK", 27, { bee: "maja" }]);
  assert.equal((await post("/v1/fs/echo", line)).json().code, "toy.there");
  assert.deepEqual((await get("/v1/fs/cat?path=/comb/bees/maja/status")).json().lines, ["maja is busy"]);
  const cut = (await get("/v1/fs/cat?path=/comb/bees/maja/status&max_bytes=4")).json();
  assert.deepEqual([cut.end, cut.lines, cut.bytes], [false, ["maja"], 4]);
});

test("a batch goes in order up to the first refusal, and says how far", async (t) => {
  const { post, get } = await rig(t);
  const hatch = (bee: string) => ({ path: "/comb/ctl", line: JSON.stringify({ op: "hatch", bee }) });
  const items = [hatch("a"), hatch("a"), hatch("b")];
  const first = (await post("/v1/fs/echo-batch", { items })).json<{
    status: string;
    end: boolean;
    results: { status: string }[];
  }>();
  assert.deepEqual(
    [first.status, first.end, first.results.map(({ status }) => status)],
    ["ERR", false, ["OK", "ERR"]],
  );
  const all = (await post("/v1/fs/echo-batch", { items, continue: true })).json<{
    results: { status: string }[];
  }>();
  assert.deepEqual(
    all.results.map(({ status }) => status),
    ["ERR", "ERR", "OK"],
  );
  assert.deepEqual((await get("/v1/fs/cat?path=/comb/count")).json().lines, ["2"]);
});

test("tail gives the newest whole lines", async (t) => {
  const { post, get } = await rig(t);
  for (const line of ["one", "two", "three"]) await post("/v1/fs/echo", { path: "/comb/hum", line });
  assert.deepEqual((await get("/v1/fs/tail?path=/comb/hum&lines=2")).json().lines, ["two", "three"]);
  assert.deepEqual((await get("/v1/fs/tail?path=/comb/hum&max_bytes=8")).json().lines, ["three"]);
  assert.equal((await get("/v1/fs/tail?path=/comb/hum&lines=257")).status, 400);
});

test("the gateway's bearer reads, and a ticket beside it replaces its authority", async (t) => {
  const { get, post } = await rig(t);
  assert.deepEqual((await get("/v1/fs/cat?path=/comb/count", "gateway-secret")).json().lines, ["0"]);
  const line = { path: "/comb/hum", line: "hello" };
  const refused = await post("/v1/fs/echo", line, "gateway-secret");
  assert.deepEqual([refused.status, refused.json().code], [403, "http.reads"]);
  const delegated = { "x-cohesix-ticket": "narrow" };
  assert.equal((await post("/v1/fs/echo", line, "gateway-secret", delegated)).json().status, "OK");
  // It replaces, it does not add: what the bearer could read, the ticket cannot.
  assert.equal(
    (await get("/v1/fs/cat?path=/comb/count", "gateway-secret", delegated)).json().code,
    "session.absent",
  );
  assert.equal((await post("/v1/fs/echo", line, "wrong", delegated)).status, 401);
});

test("who shows no ticket, or one that is none, gets 401 and learns nothing", async (t) => {
  const { url, get } = await rig(t);
  for (const target of [
    "/v1/fs/ls?path=/",
    "/v1/tree",
    "/v1/tree/nope",
    "/v1/meta/status",
    "/metrics",
    "/v1/session",
  ]) {
    const answer = await fetch(url + target);
    assert.equal(answer.status, 401, target);
    assert.equal(answer.headers.get("www-authenticate"), 'Bearer realm="skep"');
    assert.equal(((await answer.json()) as { code: string }).code, "http.ticket");
  }
  assert.equal((await get("/v1/tree", "forged")).json().code, "ticket.forged");
});

test("meta tells bounds, state and what is mounted", async (t) => {
  const { get } = await rig(t);
  assert.equal((await get("/v1/meta/bounds")).json().max_batch, 64);
  assert.deepEqual((await get("/v1/meta/status")).json(), {
    status: "OK",
    state: "UNKNOWN",
    subject: "owner",
    role: "queen",
  });
  assert.deepEqual((await get("/v1/meta/providers")).json(), {
    providers: [{ name: "toy", doc: "A hive that plays" }],
  });
});
