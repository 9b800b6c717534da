import { render } from "preact";
import { App } from "./app.ts";
import { listenToKeys } from "./keyboard.ts";
import { Api } from "./net/api.ts";
import { Live } from "./net/live.ts";
import { pageKey } from "./net/page-key.ts";
import { Empty } from "./parts/basic.tsx";
import { AppContext, useApp } from "./parts/context.ts";
import { Shell } from "./parts/shell.tsx";
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

function dial(heard: (text: string) => void, closed: (code: number) => void) {
  const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/live`);
  socket.onmessage = ({ data }) => heard(String(data));
  socket.onclose = ({ code }) => closed(code);
  return {
    send: (text: string) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: () => socket.close(),
  };
}

async function begin(): Promise<void> {
  applyTheme();
  const key = await pageKey();
  const { origin } = location;
  const api = new Api({ origin, key, fetch: (url, init) => fetch(url, init), now: () => Date.now() });
  const live = new Live({
    dial,
    sign: (challenge) => api.signSocket(challenge),
    after: (ms, act) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
  });
  const app = new App(api, live);
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
