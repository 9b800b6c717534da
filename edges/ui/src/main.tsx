import { HttpClient, keptPageKey, Live, type LiveSocket, pageCredentials } from "@skep/http-client";
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

async function begin(): Promise<void> {
  applyTheme();
  const { origin } = location;
  const { subtle } = crypto;
  const time = new HiveTime();
  const key = await keptPageKey(keptKey, { crypto: subtle });
  const credentials = pageCredentials(key, {
    crypto: subtle,
    chance: (bytes) => crypto.getRandomValues(bytes),
    now: () => time.now(),
    origin,
  });
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
}

void begin();
