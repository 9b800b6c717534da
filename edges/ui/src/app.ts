import type { HttpClient, Live, LiveState, PageKey, Problem, SessionState } from "@skep/http-client";
import { problemOf } from "./parts/problem.ts";
import { feed, readPast } from "./state/feed.ts";
import type { HiveTime } from "./state/hive-time.ts";
import { HiveState } from "./state/hive.ts";
import { readRecording } from "./state/recording.ts";
import { Replay } from "./state/replay.ts";
import { parseRoute, printRoute, type Route } from "./state/route.ts";

/** Something that is told until it is put away. */
export interface Notice {
  readonly id: number;
  readonly tone: "ok" | "bad" | "info";
  readonly text: string;
  readonly problem?: Problem;
  /** Where to look. */
  readonly href?: string;
}

/** Whether there is a session, and whose. */
export type Standing =
  | { readonly state: "opening" }
  | { readonly state: "none"; readonly problem?: Problem }
  | {
      readonly state: "open";
      readonly subject: string;
      readonly role: string;
      readonly until: number | undefined;
    };

/** Milliseconds between two times that the views are told of news, and those that the first of them waits for more. */
const pace = 120;
const gathering = 12;
const armMinutes = 15;

/** What the page stands on. */
export interface Ground {
  readonly api: HttpClient;
  readonly live: Live;
  readonly clock: HiveTime;
  readonly key: Promise<Pick<PageKey, "x" | "y">>;
}

/** The page as a whole: who it is for, where it stands, what it shows. */
export class App {
  readonly api: HttpClient;
  readonly live: Live;
  readonly clock: HiveTime;
  readonly #key: Ground["key"];
  readonly now: HiveState;
  past: HiveState | undefined;
  /** The moment that `past` is of: another one that is wanted is still being read. */
  pastAt: string | undefined;
  /** A recording that is shown in the place of the hive. */
  replay: Replay | undefined;
  route: Route;
  standing: Standing = { state: "opening" };
  link: LiveState = "connecting";
  /** The page's own time until which it may write; 0 when it only reads. */
  armedUntil = 0;
  /** What somebody wanted to do while the page only read. */
  wantsArm: string | undefined;
  notices: readonly Notice[] = [];
  isHelpOpen = false;
  readonly #watchers = new Set<() => void>();
  #stopFeed: () => void = () => undefined;
  #ids = 0;
  #lost = 0;

  constructor({ api, live, clock, key }: Ground) {
    this.api = api;
    this.live = live;
    this.clock = clock;
    this.#key = key;
    this.now = newState();
    this.route = parseRoute(location.hash);
    addEventListener("hashchange", () => this.#moved());
  }

  watch(act: () => void): () => void {
    this.#watchers.add(act);
    return () => this.#watchers.delete(act);
  }

  changed(): void {
    for (const act of this.#watchers) act();
  }

  /** The hive that is shown: as it is, as it was, or as it was recorded. */
  get hive(): HiveState {
    return this.replay?.state ?? this.past ?? this.now;
  }

  /** Whether what is shown is all that there is to it: a past moment and a recording are read whole. */
  get isWhole(): boolean {
    return this.replay !== undefined || this.past !== undefined;
  }

  /** The time of what is shown. */
  time(): number {
    return this.replay?.time ?? this.clock.now();
  }

  /** Shows what a file recorded; it needs no hive and no session. */
  async show(name: string, read: () => Promise<Uint8Array>): Promise<boolean> {
    return this.attempt(async () => {
      this.replay = new Replay(name, readRecording(await read()), newState);
      this.replay.to(this.replay.records.length);
      this.go({ view: "hive", object: "", at: undefined });
      this.changed();
    });
  }

  /** Puts the recording away. */
  leaveReplay(): void {
    this.replay = undefined;
    this.go({ view: "recordings", object: "", at: undefined });
    this.changed();
  }

  /** A path as of the moment that is shown. */
  pathAt(path: string): string {
    return this.route.at === undefined ? path : `/at/${this.route.at}${path}`;
  }

  /** Opens the session: with the code of the link where there is one, else with the cookie that is there. */
  async begin(): Promise<void> {
    const code = /^#code=([\w-]+)$/.exec(location.hash)?.[1];
    if (code !== undefined) {
      // The code goes out of the address at once: no history keeps it.
      history.replaceState(null, "", printRoute({ view: "hive" }));
      this.route = parseRoute(location.hash);
    }
    try {
      const { api } = this;
      const told = code === undefined ? await api.session() : await api.openSession(code, await this.#key);
      this.standing = { state: "open", subject: told.subject, role: told.role, until: told.until };
      this.told(told);
    } catch (thrown) {
      const problem = problemOf(thrown);
      this.standing =
        code === undefined && problem.status === 401 ? { state: "none" } : { state: "none", problem };
      this.changed();
      return;
    }
    this.live.revive();
    this.live.connect();
    this.#stopFeed();
    this.#stopFeed = feed(this.now, { api: this.api, live: this.live, now: () => this.clock.now(), every });
    this.changed();
    await this.#shown();
  }

  /** Hears what the hive says of this session. */
  told({ now, armed_ms }: Pick<SessionState, "now" | "armed_ms">): void {
    this.clock.told(now);
    this.#setArmed(armed_ms ?? 0);
  }

  /** Hears how the live connection stands. */
  linked(state: LiveState): void {
    const was = this.link;
    this.link = state;
    if (state === "live" && was === "lost") {
      this.tell({ tone: "ok", text: "The connection is back; everything goes on where it stopped" });
      this.#lost = 0;
    }
    if (state === "lost") {
      this.#lost += 1;
      // A socket does not say why it was refused; a request does.
      if (this.#lost > 1) void this.#ask();
    }
    if (state === "ended") void this.#ask();
    this.changed();
  }

  async #ask(): Promise<void> {
    try {
      await this.api.session();
      this.live.revive();
    } catch (thrown) {
      const problem = problemOf(thrown);
      // A hive that ends takes its sessions along, and keeps them for when it is back.
      if (problem.status !== 401) return this.live.revive();
      this.standing = { state: "none", problem };
      this.live.close();
      this.#stopFeed();
      this.changed();
    }
  }

  get isArmed(): boolean {
    return this.armedUntil > Date.now();
  }

  #setArmed(ms: number): void {
    this.armedUntil = ms > 0 ? Date.now() + ms : 0;
    if (ms > 0)
      setTimeout(() => {
        if (!this.isArmed) this.changed();
      }, ms + 20);
  }

  async arm(minutes = armMinutes): Promise<void> {
    await this.attempt(async () => this.#setArmed(await this.api.arm(minutes)));
    this.wantsArm = undefined;
    this.changed();
  }

  async disarm(): Promise<void> {
    await this.attempt(() => this.api.disarm());
    this.#setArmed(0);
    this.changed();
  }

  /** Does something that writes, or asks to be armed first. Gives whether it was done. */
  async act(what: string, act: () => Promise<void>): Promise<boolean> {
    if (!this.isArmed) {
      this.wantsArm = what;
      this.changed();
      return false;
    }
    return this.attempt(act);
  }

  /** Does something; what goes wrong is told, with its next step. */
  async attempt(act: () => Promise<void>): Promise<boolean> {
    try {
      await act();
      return true;
    } catch (thrown) {
      const problem = problemOf(thrown);
      if (problem.code === "http.unarmed") this.#setArmed(0);
      this.tell({ tone: "bad", text: problem.detail, problem });
      return false;
    }
  }

  showHelp(): void {
    this.isHelpOpen = true;
    this.changed();
  }

  /** Ends the session of this browser. */
  async signOff(): Promise<void> {
    await this.attempt(() => this.api.signOff());
    this.live.close();
    this.#stopFeed();
    this.standing = { state: "none" };
    this.changed();
  }

  tell(notice: Omit<Notice, "id">): void {
    this.#ids += 1;
    const id = this.#ids;
    this.notices = [...this.notices.slice(-3), { ...notice, id }];
    this.changed();
    // What went well goes by itself; what went wrong stays until it was seen.
    if (notice.tone !== "bad") setTimeout(() => this.putAway(id), 6000);
  }

  putAway(id: number): void {
    this.notices = this.notices.filter((one) => one.id !== id);
    this.changed();
  }

  go(route: Partial<Route>): void {
    location.hash = printRoute({ at: this.route.at, ...route });
  }

  /** The link of a place at the moment that is shown. */
  href(view: string, object = ""): string {
    return printRoute({ view, object, at: this.route.at });
  }

  #moved(): void {
    if (location.hash.startsWith("#code=")) {
      void this.begin();
      return;
    }
    const { view } = this.route;
    this.route = parseRoute(location.hash);
    // What went wrong elsewhere was seen there, and covers nothing here.
    if (view !== this.route.view) this.notices = this.notices.filter(({ tone }) => tone !== "bad");
    this.changed();
    void this.#shown();
  }

  // Another moment: the hive as it was is read whole, and shown when it is there.
  async #shown(): Promise<void> {
    const { at } = this.route;
    if (at === undefined) {
      this.past = undefined;
      this.pastAt = undefined;
      this.changed();
      return;
    }
    const past = newState();
    await this.attempt(() => readPast(past, this.api, at));
    if (this.route.at !== at) return;
    this.past = past;
    this.pastAt = at;
    this.changed();
  }
}

function newState(): HiveState {
  let told = 0;
  const soon = (act: () => void): void => {
    const wait = Math.max(gathering, told + pace - performance.now());
    setTimeout(() => {
      told = performance.now();
      act();
    }, wait);
  };
  return new HiveState(soon, () => performance.now());
}

function every(ms: number, act: () => void): () => void {
  const timer = setInterval(act, ms);
  return () => clearInterval(timer);
}
