import type { LiveState } from "@skep/http-client";
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { App } from "../app.ts";
import { reasons, type Tone, toneOf } from "../palette.ts";
import { setTheme, themeNow } from "../theme.ts";
import { Chip, Copy, Lock, StateChip, Trouble } from "./basic.tsx";
import { useApp, useHive, useTick } from "./context.ts";
import { ArmDialog, HelpDialog, Notices } from "./dialogs.tsx";
import { Recordings } from "./recordings.tsx";
import { SearchBox } from "./search-box.tsx";
import { ReplayBar } from "./replay-bar.tsx";
import { recordsOf, TimeBar } from "./time-bar.tsx";
import { spanText } from "./words.ts";
import type { View } from "./views.ts";

/** Says whether the page may write, for how long, and changes that. */
function ArmSwitch() {
  const app = useApp();
  useTick(1000);
  const left = app.armedUntil - Date.now();
  if (left > 0)
    return (
      <button
        type="button"
        class="arm armed"
        onClick={() => app.disarm()}
        title="Make the page read-only again"
      >
        Armed <b>{spanText(left)}</b>
      </button>
    );
  return (
    <button
      type="button"
      class="arm"
      onClick={() => app.arm()}
      title="Let the page write for fifteen minutes"
    >
      <Lock /> Read-only
    </button>
  );
}

const linkWords: Readonly<Record<LiveState, readonly [string, Tone]>> = {
  connecting: ["connecting", "info"],
  live: ["live", "ok"],
  lost: ["reconnecting", "warn"],
  ended: ["signed off", "bad"],
};

/** What is shown: the hive as it is, as it was, or as it was recorded. */
function shownWord({ link, route: { at }, replay, pastAt }: App): readonly [string, Tone] {
  if (replay) return ["recording", "violet"];
  if (at === undefined) return linkWords[link];
  return at === pastAt ? ["past", "violet"] : ["reading …", "info"];
}

function Standing() {
  const app = useApp();
  const hive = useHive();
  const state = hive.fact("/proc/lifecycle/state.json").state;
  const [word, tone] = shownWord(app);
  return (
    <div class="standing" role="status">
      {typeof state === "string" && <StateChip state={state} />}
      <Chip tone={tone}>{word}</Chip>
    </div>
  );
}

/** Refusals since the start, by reason, and who is attached: what presses on the hive. */
function Pressure() {
  const app = useApp();
  const hive = app.replay?.state ?? app.now;
  useHive();
  const sessions = hive.fact("/proc/9p/session/active.json");
  const { reachable } = hive.fact("/proc/root/reachable.json");
  const { waiting } = hive;
  const isCalm = reasons.every((reason) => !hive.pressure.get(reason));
  return (
    <aside class="pressure" aria-label="Pressure">
      {waiting > 0 && (
        <a href={app.href("approvals")} class="tone-warn">
          waiting for approval <b>{waiting}</b>
        </a>
      )}
      {Number(sessions.draining ?? 0) > 0 && <Chip tone="warn">{String(sessions.draining)} draining</Chip>}
      <span class="dim">refused:{isCalm && <b class="calm"> none</b>}</span>
      {reasons.map((reason) => {
        const count = hive.pressure.get(reason);
        return count === undefined ? null : (
          <a
            key={reason}
            href={app.href("audit", "refusals")}
            class={count > 0 ? `tone-${toneOf[reason]}` : "dim zero"}
          >
            {reason} <b>{count}</b>
          </a>
        );
      })}
      {typeof sessions.active === "number" && (
        <a href={app.href("files", "proc/9p/session")} class="dim">
          sessions <b>{sessions.active}</b>
        </a>
      )}
      {typeof reachable === "string" && (
        <a href={app.href("files", "proc/root")} class={reachable === "yes" ? "dim" : "tone-bad"}>
          reachable <b>{reachable}</b>
        </a>
      )}
    </aside>
  );
}

function Nav({ views }: { readonly views: readonly View[] }) {
  const app = useApp();
  useHive();
  const { waiting } = app.replay?.state ?? app.now;
  const bar = useRef<HTMLElement>(null);
  // On a phone the row of views is wider than the screen.
  useEffect(() => {
    bar.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [app.route.view]);
  return (
    <nav class="nav" aria-label="Views" ref={bar}>
      {views.map(({ name, title, icon, key }) => (
        <a
          key={name}
          href={app.href(name)}
          aria-current={app.route.view === name ? "page" : undefined}
          title={`${title} (g ${key})`}
        >
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d={icon} />
          </svg>
          <span>{title}</span>
          {name === "approvals" && waiting > 0 && <b class="badge">{waiting}</b>}
        </a>
      ))}
    </nav>
  );
}

/** The page before it has a session: what to do. */
function SignIn() {
  const { standing } = useApp();
  if (standing.state !== "none") return null;
  return (
    <main class="signin">
      <h1>Skep</h1>
      <p>This browser has no session with the hive. On the machine where the hive runs:</p>
      <div class="cli">
        <code>skep ui</code>
        <Copy text="skep ui" />
      </div>
      <p class="dim">
        It opens this page with a link that works once, for 60 seconds. For a browser elsewhere,{" "}
        <code>skep ui --link</code> prints the link. The page may do what your ticket may, and only reads
        until you arm it.
      </p>
      <Recordings />
      {standing.problem && <Trouble problem={standing.problem} again={() => location.reload()} />}
    </main>
  );
}

/** What is around every view. */
export function Shell({
  views,
  children,
}: {
  readonly views: readonly View[];
  readonly children: ComponentChildren;
}) {
  const app = useApp();
  const [hasTime, setTime] = useState(app.route.at !== undefined);
  const hive = app.now;
  const last = recordsOf(hive.facts.get("/audit/checkpoint"));
  useEffect(() => {
    document.documentElement.dataset.armed = String(app.isArmed);
    if (app.route.at !== undefined) setTime(true);
  });
  if (app.standing.state === "none" && !app.replay) return <SignIn />;
  const acts = [
    {
      title: app.isArmed ? "Make read-only" : "Arm the page",
      small: "action · A",
      act: () => void (app.isArmed ? app.disarm() : app.arm()),
    },
    { title: "Travel in time", small: "action · [ ]", act: () => setTime(true) },
    {
      title: themeNow() === "dark" ? "Light colours" : "Dark colours",
      small: "action · T",
      act: () => setTheme(themeNow() === "dark" ? "light" : "dark"),
    },
    { title: "Keys", small: "help · ?", act: () => app.showHelp() },
    { title: "Sign off", small: "action", act: () => void app.signOff() },
  ];
  const name = hive.fact("/proc/boot.json").name;
  return (
    <div class="shell">
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <a class="brand" href={app.href("hive")} aria-label="Skep: to the hive">
          <svg viewBox="0 0 32 32" aria-hidden="true">
            <path d="M16 1.5 28.6 8.75v14.5L16 30.5 3.4 23.25V8.75z" />
          </svg>
          <span>{typeof name === "string" ? name : "Skep"}</span>
        </a>
        <Standing />
        <SearchBox views={views} acts={acts} />
        {!app.replay && (
          <button
            type="button"
            class="quiet clock"
            aria-pressed={hasTime}
            aria-label="Travel in time"
            title="Travel in time ([ and ])"
            onClick={() => setTime(!hasTime)}
          >
            <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
              <path
                d="M12 3a9 9 0 1 0 9 9 9 9 0 0 0-9-9zm0 2a7 7 0 1 1-7 7 7 7 0 0 1 7-7zm-1 2v6l4.5 2.7 1-1.7L13 12V7z"
                fill="currentColor"
              />
            </svg>
          </button>
        )}
        <ArmSwitch />
      </header>
      <Nav views={views} />
      <main id="main" class="main" tabIndex={-1}>
        {app.replay && <ReplayBar replay={app.replay} />}
        {hasTime && !app.replay && <TimeBar last={last} close={() => setTime(false)} />}
        {children}
      </main>
      <Pressure />
      <Notices />
      <ArmDialog />
      <HelpDialog views={views} />
    </div>
  );
}
