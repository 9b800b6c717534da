import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { test } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { openApi } from "@skep/edge-http";
import { makeOwnerTicket } from "../access/tickets.ts";
import { makeTestPlace, startTestHive } from "../testing/hive.ts";
import { authorityFile, ownIdentity } from "./tls.ts";

interface Operation {
  readonly requestBody?: {
    readonly content: Record<
      string,
      { readonly example?: unknown; readonly examples?: Record<string, { readonly value: unknown }> }
    >;
  };
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly example?: unknown }[];
}

async function up() {
  const started = await startTestHive(makeTestPlace(), { SKEP_HTTP: "0" });
  await makeOwnerTicket(started.home, Date.now());
  const url = `http://127.0.0.1:${started.at.http?.port}`;
  const ticket = readFileSync(join(started.home, "owner.ticket"), "utf8").trim();
  const ask = (target: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
    fetch(url + target, { ...init, headers: { Authorization: `Bearer ${ticket}`, ...init.headers } });
  return { ...started, url, ask, ticket };
}

interface Try {
  readonly method: string;
  readonly target: string;
  readonly body?: string;
  readonly type?: string;
}

function* bodiesOf({ requestBody }: Operation): Generator<Pick<Try, "body" | "type">> {
  for (const [type, { example, examples = {} }] of Object.entries(requestBody?.content ?? {}))
    for (const value of [example, ...Object.values(examples).map((one) => one.value)])
      if (value !== undefined)
        yield { type, body: typeof value === "string" ? value : JSON.stringify(value) };
}

/** Everything that the description shows how to ask, where no state has to be known for it. */
function* triesOf(paths: Record<string, Record<string, Operation>>): Generator<Try> {
  for (const [path, { get, post }] of Object.entries(paths)) {
    if (path.includes("{") || path.endsWith(".follow")) continue;
    const query = (get?.parameters ?? []).filter((one) => one.in === "query" && one.example !== undefined);
    const target =
      query.length > 0 ? `${path}?${query.map(({ name, example }) => `${name}=${example}`).join("&")}` : path;
    if (get) yield { method: "GET", target };
    if (post) for (const body of bodiesOf(post)) yield { method: "POST", target: path, ...body };
  }
}

test("the whole tree is described in valid OpenAPI 3.1, and every documented example is taken", async () => {
  await using hive = await up();
  const document = (await openApi(hive.hive.kernel.tree, "1")) as unknown as {
    paths: Record<string, Record<string, Operation>>;
  };
  const { valid, errors } = await new Validator().validate(structuredClone(document) as never);
  assert.deepEqual([valid, errors], [true, undefined]);
  const tries = [...triesOf(document.paths)];
  assert.ok(tries.length > 60, String(tries.length));
  for (const { method, target, body, type } of tries) {
    const headers: Record<string, string> = type === undefined ? {} : { "Content-Type": type };
    const answer = await hive.ask(target, { method, headers, ...(body !== undefined && { body }) });
    const text = await answer.text();
    // What is not in this state may be refused by it, but never for its form.
    assert.ok(answer.status < 500 || answer.status === 503, `${method} ${target}: ${answer.status} ${text}`);
    assert.doesNotMatch(text, /gate\.schema|gate\.json|http\.json|http\.path/, `${target} ${body}: ${text}`);
  }
});

test("figures are served to whoever may read them, with what HTTP itself counts", async () => {
  await using hive = await up();
  await (await hive.ask("/v1/meta/status")).text();
  const answer = await hive.ask("/metrics");
  assert.equal(answer.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8");
  const text = await answer.text();
  for (const line of text.trimEnd().split("\n"))
    assert.match(
      line,
      /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [-+.e\d]+)$/,
    );
  assert.match(text, /^skep_http_answers_total\{class="2xx"\} 1$/m);
  assert.match(text, /^skep_state_rows\{provider="jobs",table="queue"\} 0$/m);
  assert.equal((await fetch(`${hive.url}/metrics`)).status, 401);
  const { out } = await hive.skep(["top", "--count", "1"]);
  assert.match(out, /^sessions +.*http 2/m);
});

test("skep ui prints a link that works once, or writes it where only its owner reads it", async () => {
  await using hive = await up();
  const { out, code } = await hive.skep(["ui", "--link"]);
  assert.equal(code, 0);
  assert.match(out, new RegExp(`^${hive.url}/#code=[\\w-]{32}\\n$`));
  const { io, done } = hive.start(["ui"]);
  const file = (): string | undefined => readdirSync(hive.dir).find((name) => name.startsWith("skep-ui-"));
  let isOver = false;
  void done.then(() => {
    isOver = true;
  });
  while (!file() && !isOver) await new Promise((turn) => setImmediate(turn));
  const path = join(hive.dir, file() ?? "");
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.match(readFileSync(path, "utf8"), /url=http:\/\/127\.0\.0\.1:\d+\/#code=[\w-]{32}"/);
  io.kill("SIGINT");
  assert.equal(await done, 130);
  assert.equal(file(), undefined);
});

test("wider than loopback needs TLS, and the home's own authority gives it", async () => {
  await assert.rejects(startTestHive(makeTestPlace(), { SKEP_HTTP: "0.0.0.0:0" }), { code: "http.wide" });
  await using place = makeTestPlace();
  const now = Date.now();
  const names = ["hive.example", "192.0.2.7", "2001:db8::7"];
  const first = ownIdentity(place.dir, "hive-x", names, now);
  assert.deepEqual(ownIdentity(place.dir, "hive-x", names, now), first);
  assert.notEqual(ownIdentity(place.dir, "hive-x", [...names, "other.example"], now).cert, first.cert);
  const ca = new X509Certificate(readFileSync(authorityFile(place.dir)));
  const leaf = new X509Certificate(first.cert);
  assert.deepEqual(
    [ca.ca, leaf.ca, leaf.checkIssued(ca), leaf.verify(ca.publicKey)],
    [true, false, true, true],
  );
  assert.deepEqual(
    [
      leaf.checkHost("hive.example"),
      leaf.checkIP("192.0.2.7"),
      leaf.checkIP("2001:db8::7"),
      leaf.checkHost("evil.example"),
    ],
    ["hive.example", "192.0.2.7", "2001:db8::7", undefined],
  );
});

test("a hive with its own certificate answers whoever trusts its authority", async () => {
  await using hive = await startTestHive(makeTestPlace(), { SKEP_HTTP: "0", SKEP_HTTP_TLS: "own" });
  await makeOwnerTicket(hive.home, Date.now());
  const ca = readFileSync(authorityFile(hive.home));
  const status = await new Promise<number | undefined>((resolve, reject) => {
    const sent = request(
      { host: "127.0.0.1", port: hive.at.http?.port, path: "/healthz", ca, agent: false },
      (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      },
    );
    sent.on("error", reject);
    sent.end();
  });
  assert.equal(status, 200);
  const { out } = await hive.skep(["ui", "--link"]);
  assert.match(out, /^https:\/\/127\.0\.0\.1:\d+\/#code=/);
});
