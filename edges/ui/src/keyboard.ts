import type { App } from "./app.ts";
import type { View } from "./parts/views.ts";
import { recordsOf } from "./parts/time-bar.tsx";
import { setTheme, themeNow } from "./theme.ts";

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.matches("input:not([type=range]), textarea, select, [contenteditable]")
  );
}

/** Every action of the page by key; `g` begins the way to a view. */
export function listenToKeys(app: App, views: readonly View[]): void {
  let goes = false;
  let waiting: ReturnType<typeof setTimeout> | undefined;
  const step = (by: number) => {
    const last = recordsOf(app.now.facts.get("/audit/checkpoint"));
    const now = app.route.at === undefined ? last : Number(app.route.at);
    const next = Math.max(1, Math.min(last, now + by));
    app.go({ ...app.route, at: String(next) });
  };
  const acts: Readonly<Record<string, () => void>> = {
    "/": () => document.getElementById("search")?.focus(),
    "?": () => app.showHelp(),
    A: () => void (app.isArmed ? app.disarm() : app.arm()),
    T: () => setTheme(themeNow() === "dark" ? "light" : "dark"),
    "[": () => step(-1),
    "]": () => step(1),
    N: () => app.go({ ...app.route, at: undefined }),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    if (goes) {
      goes = false;
      const view = views.find(({ key }) => key === event.key.toLowerCase());
      if (view) app.go({ view: view.name, object: "" });
      return;
    }
    if (event.key === "g") {
      goes = true;
      // The one before would end this way to a view.
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        goes = false;
      }, 1500);
      return;
    }
    const act = acts[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
}
