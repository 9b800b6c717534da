import assert from "node:assert/strict";
import { Agent, request } from "node:http";
import { type TestContext, test } from "node:test";
import { fullAuthority } from "@skep/kernel";
import {
  bearer,
  HttpClient,
  Live,
  type LiveEvent,
  type LiveSocket,
  makePageKey,
  pageCredentials,
  Refused,
} from "@skep/http-client";
import { recordingFiles, simulatedClock, toyHive } from "@skep/testing";
import { send, startRig } from "./testing.ts";

async function rig(t: TestContext) {
  const clock = simulatedClock();
  const kernel = await toyHive({ files: recordingFiles(), clock });
  t.after(() => kernel.close());
  const made = await startRig(t, {
    clock,
    kernel,
    tickets: (token) => fullAuthority("owner", "queen", token),
  });
  const owner = kernel.attach(fullAuthority("owner"), "test");
  const client = new HttpClient({ origin: made.url, fetch, credentials: bearer("queen") });
  return { ...made, clock, kernel, client, hum: (text: string) => owner.append("/comb/hum", `${text}\n`) };
}

/** A page as a browser has it: its own key, and a jar for its one cookie. */
async function page({ port, url, clock }: Awaited<ReturnType<typeof rig>>) {
  const { subtle } = globalThis.crypto;
  const key = await makePageKey({ crypto: subtle });
  const credentials = pageCredentials(key, {
    crypto: subtle,
    chance: (bytes) => globalThis.crypto.getRandomValues(bytes),
    now: () => clock.now(),
    origin: url,
  });
  const jar = { cookie: "" };
  const client = new HttpClient({
    origin: url,
    credentials,
    fetch: async (target, init) => {
      const answer = await fetch(target, {
        ...init,
        headers: { ...init.headers, Origin: url, Cookie: jar.cookie },
      });
      jar.cookie = answer.headers.get("set-cookie")?.split(";")[0] ?? jar.cookie;
      return answer;
    },
  });
  const made = await send(port, "/v1/session/codes", {
    method: "POST",
    headers: { Authorization: "Bearer queen" },
  });
  await client.openSession(made.json<{ code: string }>().code, key);
  return { client, credentials, jar, key };
}

test("files, names and commands, and refusals as the hive tells them", async (t) => {
  const { client } = await rig(t);
  assert.equal(await client.text("/comb/count"), "0\n");
  for (const bee of ["a", "b"]) await client.append("/comb/ctl", JSON.stringify({ op: "hatch", bee }));
  const names = [];
  for await (const { name } of client.list("/comb/bees")) names.push(name);
  assert.deepEqual(names, ["a", "b"]);
  assert.equal((await client.stat("/comb/motto")).kind, "value");
  await assert.rejects(client.text("/comb/bees/c/status"), (thrown) => {
    assert.ok(thrown instanceof Refused);
    assert.deepEqual([thrown.problem.code, thrown.problem.status], ["session.absent", 404]);
    return true;
  });
  const again = client.append("/comb/ctl", '{"op":"hatch","bee":"a"}');
  await assert.rejects(again, { message: 'Cannot hatch bee that is there: "a"' });
});

test("a page's key cannot be read out, signs every request, and writes once the page is armed", async (t) => {
  const made = await rig(t);
  const { client, key } = await page(made);
  await assert.rejects(globalThis.crypto.subtle.exportKey("jwk", key.privateKey as never));
  assert.equal((await client.session()).subject, "owner");
  const write = () => client.append("/comb/motto", "over HTTP");
  await assert.rejects(write(), { message: "Cannot write while the page is read-only" });
  assert.equal(await client.arm(5), 300_000);
  assert.equal((await write()).verdict, "ok");
  await client.disarm();
  await assert.rejects(write());
});

test("a connection that is lost comes back and goes on where it was, without a line lost or twice", async (t) => {
  const made = await rig(t);
  const { hum, clock, url } = made;
  const { credentials, jar } = await page(made);
  let socket: (LiveSocket & WebSocket) | undefined;
  const states: string[] = [];
  let wake = (): void => undefined;
  const live = new Live({
    clock,
    credentials,
    connect: () => {
      const headers = { Cookie: jar.cookie, Origin: url };
      socket = new WebSocket(`${url.replace("http", "ws")}/v1/live`, { headers } as never) as LiveSocket &
        WebSocket;
      return socket;
    },
    state: (state) => {
      states.push(state);
      wake();
    },
  });
  t.after(() => live.close());
  live.connect();
  let text = "";
  live.follow("/comb/hum", (event: LiveEvent) => {
    if (event.event === "data") text += event.data.text ?? "";
    wake();
  });
  const until = async (isThere: () => boolean): Promise<void> => {
    while (!isThere())
      await new Promise<void>((next) => {
        wake = next;
      });
  };
  await hum("one");
  await until(() => text === "one\n");
  socket?.close();
  await until(() => live.state === "lost");
  await hum("two");
  await clock.advanceAsync(300);
  await until(() => text === "one\ntwo\n");
  await clock.advanceAsync(100);
  await hum("three");
  await until(() => text.endsWith("three\n"));
  assert.equal(text, "one\ntwo\nthree\n");
  assert.deepEqual(states, ["live", "lost", "live"]);
});

test("an upload that is refused before it is read leaves its connection to the next request", async (t) => {
  const { port } = await rig(t);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const ask = (method: string, bytes: number, token: string): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const headers = { Authorization: `Bearer ${token}`, "Content-Length": bytes };
      const sent = request(
        { agent, host: "127.0.0.1", port, method, path: "/v1/tree/comb/count", headers },
        (answer) => {
          answer.resume();
          answer.once("end", () => resolve(answer.statusCode));
        },
      );
      sent.once("error", reject);
      sent.end(Buffer.alloc(bytes, "x"));
    });
  const put = await ask("PUT", 1_000_000, "queen");
  assert.deepEqual([put, await ask("GET", 0, "queen")], [405, 200]);
});
