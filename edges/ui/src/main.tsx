import {
  type Credentials,
  HttpClient,
  keptPageKey,
  Live,
  type LiveSocket,
  pageCredentials,
} from "@skep/http-client";
import { render } from "preact";
import { App } from "./app.ts";
import { listenToKeys } from "./keyboard.ts";
import { Empty } from "./parts/basic.tsx";
import { AppContext, useApp } from "./parts/context.ts";
import { Shell } from "./parts/shell.tsx";
import { HiveTime } from "./state/hive-time.ts";
import { keptKey } from "./state/kept-key.ts";
import { applyTheme } from "./theme.ts";
import { views } from "./views/all.ts";

function Page() {
  const { route } = useApp();
  const view = views.find(({ name }) => name === route.view);
  return (
    <Shell views={views}>
      {view ? (
        <view.Show object={route.object} />
      ) : (
        <Empty title="There is no such view">
          <a href="#/hive">To the hive</a>
        </Empty>
      )}
    </Shell>
  );
}

const clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after: (ms: number, act: () => void) => {
    const timer = setTimeout(act, ms);
    return { stop: () => clearTimeout(timer) };
  },
};

function connect(): LiveSocket {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/live`);
  const wire: LiveSocket = {
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
    onmessage: null,
    onclose: null,
  };
  socket.onmessage = (event) => wire.onmessage?.(event);
  socket.onclose = (event) => wire.onclose?.(event);
  return wire;
}

/** Credentials that are still on their way: the page is drawn meanwhile. */
function awaited(coming: Promise<Credentials>): Credentials {
  return {
    headers: async (method, target, body) => (await coming).headers(method, target, body),
    prove: async (challenge) => (await coming).prove(challenge),
  };
}

async function begin(): Promise<void> {
  applyTheme();
  const { origin } = location;
  const { subtle } = crypto;
  const time = new HiveTime();
  const key = keptPageKey(keptKey, { crypto: subtle });
  const deps = {
    crypto: subtle,
    chance: (bytes: Uint8Array<ArrayBuffer>) => crypto.getRandomValues(bytes),
    now: () => time.now(),
    origin,
  };
  const credentials = awaited(key.then((own) => pageCredentials(own, deps)));
  const api = new HttpClient({ origin, credentials, fetch: (url, init) => fetch(url, init) });
  const live: Live = new Live({
    connect,
    credentials,
    clock,
    state: (state) => app.linked(state),
    ready: (told) => app.told(told),
  });
  const app: App = new App({ api, live, clock: time, key });
  addEventListener("online", () => live.connect());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") live.connect();
  });
  listenToKeys(app, views);
  const root = document.getElementById("app");
  if (!root) return;
  root.textContent = "";
  render(
    <AppContext.Provider value={app}>
      <Page />
    </AppContext.Provider>,
    root,
  );
  await app.begin();
  // One after the other, when the page has nothing else to do: later on a hive that is away keeps no view out.
  setTimeout(() => void bringViews(), quiet);
}

/** Milliseconds after which the other views come, by when the scene is drawn. */
const quiet = 2500;

async function bringViews(): Promise<void> {
  for (const { load } of views) await load?.().catch(() => undefined);
}

void begin();
