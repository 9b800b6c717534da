import { Lines, type LiveEvent, type Problem, textOf } from "@skep/http-client";
import { createContext } from "preact";
import { useContext, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { App } from "../app.ts";
import { ownProblem, problemOf } from "./problem.ts";
import type { HiveState } from "../state/hive.ts";

/** The page. */
export const AppContext = createContext<App | undefined>(undefined);

function useRedraw(): () => void {
  const [, set] = useState(0);
  return () => set((count) => count + 1);
}

/** The page; the caller is drawn again when its place, its session or its standing changes. */
export function useApp(): App {
  const app = useContext(AppContext);
  if (!app) throw new Error("Cannot draw outside the page");
  const redraw = useRedraw();
  // With the drawing, and not behind the next frame: what changes until then would never be shown.
  useLayoutEffect(() => app.watch(redraw), [app]);
  return app;
}

/** The hive that is shown; the caller is drawn again when it changes. */
export function useHive(): HiveState {
  const app = useApp();
  const redraw = useRedraw();
  const { hive } = app;
  useLayoutEffect(() => hive.watch(redraw), [hive]);
  return hive;
}

/** Draws the caller again at a pace. */
export function useTick(ms: number): void {
  const redraw = useRedraw();
  useEffect(() => {
    const timer = setInterval(redraw, ms);
    return () => clearInterval(timer);
  }, [ms]);
}

/** Something that was read, or why it could not be. */
export interface Loaded<T> {
  readonly value?: T | undefined;
  readonly problem?: Problem | undefined;
  readonly again: () => void;
}

/** A recording holds what happened, not the files of the hive. */
const recorded = ownProblem(
  "page.recording",
  "A recording has no files of the hive",
  "Leave the recording to read them",
);

/** Reads something once for each `key`; undefined reads nothing. */
export function useRead<T>(wanted: string | undefined, read: () => Promise<T>): Loaded<T> {
  const { replay } = useApp();
  const key = replay ? undefined : wanted;
  const [found, set] = useState<{ key?: string; value?: T; problem?: Problem }>({});
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (key === undefined) return undefined;
    let isWanted = true;
    read().then(
      (value) => isWanted && set({ key, value }),
      (thrown: unknown) => isWanted && set({ key, problem: problemOf(thrown) }),
    );
    return () => {
      isWanted = false;
    };
  }, [key, turn]);
  const again = () => setTurn(turn + 1);
  if (replay && wanted !== undefined) return { problem: recorded, again };
  return found.key === key ? { value: found.value, problem: found.problem, again } : { again };
}

/** A text that is followed: as it is now, while the page is open. In the past it is read once. */
export function useText(wanted: string | undefined): Loaded<string> {
  const app = useApp();
  const { at } = app.route;
  const path = app.replay ? undefined : wanted;
  const [text, set] = useState<{ path?: string; value?: string; problem?: Problem }>({});
  const past = useRead(path !== undefined && at !== undefined ? app.pathAt(path) : undefined, () =>
    app.api.text(app.pathAt(path ?? "")),
  );
  useEffect(() => {
    if (path === undefined || at !== undefined) return undefined;
    return app.live.follow(path, (event) => {
      if (event.event === "text") set({ path, value: textOf(event.data) });
      if (event.event === "refused") set({ path, problem: event.problem });
    });
  }, [path, at]);
  if (app.replay && wanted !== undefined) return { problem: recorded, again: () => undefined };
  if (at !== undefined) return past;
  return text.path === path
    ? { value: text.value, problem: text.problem, again: () => undefined }
    : { again: () => undefined };
}

/** The JSON twin of a text, followed. */
export function useJson<T>(path: string | undefined): Loaded<T> {
  const { value, problem, again } = useText(path);
  if (value === undefined) return { problem, again };
  try {
    return { value: JSON.parse(value) as T, again };
  } catch {
    return { problem: ownProblem("page.json", "The file is no JSON"), again };
  }
}

/** A line of a stream, or a place where some are missing. */
export interface StreamLine {
  readonly at: number;
  readonly text: string;
  readonly gap?: true;
}

/** A stream as it is followed. */
export interface Stream {
  readonly lines: readonly StreamLine[];
  readonly isEnded: boolean;
  readonly problem?: Problem | undefined;
}

const mostLines = 2000;
const none: Stream = { lines: [], isEnded: false };

function gapText(event: Extract<LiveEvent, { event: "gap" }>): string {
  const { from, to, restarted } = event.data;
  if (restarted) return "the stream began anew";
  return from === undefined ? "older lines are gone" : `${to - from} bytes are gone`;
}

function take(held: { lines: StreamLine[]; isEnded: boolean }, cut: Lines, event: LiveEvent): void {
  const { lines } = held;
  // The first gap only says that the oldest lines are not kept.
  if (event.event === "gap") lines.push({ at: event.data.to, text: gapText(event), gap: true });
  if (event.event === "data") for (const text of cut.take(event)) lines.push({ at: event.data.next, text });
  if (event.event !== "end") return;
  const rest = cut.flush();
  if (rest !== "") lines.push({ at: event.data.at, text: rest });
  held.isEnded = true;
}

/** Follows a stream: what is kept of it, and what comes. A restart of the hive neither loses nor repeats a line. */
export function useStream(wanted: string | undefined): Stream {
  const app = useApp();
  const { at } = app.route;
  const path = app.replay ? undefined : wanted;
  const [stream, set] = useState(none);
  const held = useRef<{ lines: StreamLine[]; isEnded: boolean }>({ lines: [], isEnded: false });
  useEffect(() => {
    held.current = { lines: [], isEnded: false };
    set(none);
    if (path === undefined || at !== undefined) return undefined;
    const cut = new Lines();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        const { lines, isEnded } = held.current;
        if (lines.length > mostLines) lines.splice(0, lines.length - mostLines);
        set({ lines: [...lines], isEnded });
      }, 80);
    };
    const stop = app.live.follow(path, (event) => {
      if (event.event === "refused") set({ ...none, problem: event.problem });
      take(held.current, cut, event);
      soon();
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [path, at]);
  return app.replay && wanted !== undefined ? { ...none, problem: recorded } : stream;
}
