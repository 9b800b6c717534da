import type { LiveEvent } from "@skep/http-client";
import { feed } from "../state/feed.ts";
import { HiveState } from "../state/hive.ts";
import { applyTheme } from "../theme.ts";
import { HiveScene } from "../views/hive-scene.ts";

/** What one run came to; all times in milliseconds. */
export interface Measured {
  readonly frames: number;
  /** Script time of the scene in each drawn frame, on average and at its worst. */
  readonly frame: number;
  readonly worst: number;
  /** Script time of taking events in, for each drawn frame. */
  readonly intake: number;
  readonly events: number;
  /** From an event to the frame that shows it: the worst there was, and what 99 of a hundred frames stayed below. */
  readonly freshness: number;
  readonly fresh99: number;
  readonly pace: number;
}

interface Wanted {
  readonly machines: number;
  readonly perSecond: number;
  readonly seconds: number;
}

const sites = ["home", "lab", "attic", "rack", "van"];
const classes = ["owned", "borrowed", "rented", "volunteer"];

function hiveOf(machines: number): HiveState {
  const state = new HiveState(
    (act) => setTimeout(act, 120),
    () => performance.now(),
  );
  const ids = Array.from({ length: machines }, (_, at) => `w-${at}`);
  state.setMachines(ids);
  for (const [at, id] of ids.entries())
    state.setInfo(id, {
      id,
      present: at % 50 !== 0,
      slots: 4,
      class: classes[at % 4],
      labels: [`site=${sites[at % sites.length]}`],
      owner: at % 33 === 0 ? { state: "frozen", reason: "somebody types" } : {},
    });
  return state;
}

/** Jobs that run at a time in the made-up hive. */
const running = 500;

/** The lines of a busy hive, as its trace has them: jobs are leased and end, now and then one is refused. */
function* linesOf(machines: number): Generator<{ readonly text: string; readonly isRefusal: boolean }> {
  for (let seq = 1; ; seq += 1) {
    const isEnd = seq % 2 === 0;
    const job = isEnd ? seq / 2 - running : (seq + 1) / 2;
    if (job <= 0) continue;
    const worker = `w-${(job * 7919) % machines}`;
    // Written by hand: the time that it takes to make a hive up is no time of the page.
    if (seq % 100 === 99)
      yield {
        text: `{"seq":${seq},"time":${Date.now()},"subject":"${worker}","path":"/jobs/ctl","verdict":"refused","code":"gate.rate"}`,
        isRefusal: true,
      };
    const event = isEnd ? "jobs:ended@1" : "jobs:leased@1";
    const data = `{"job":"${job}","worker":"${worker}","state":"done"}`;
    yield { text: `{"seq":${seq},"event":"${event}","data":${data}}`, isRefusal: false };
  }
}

/** Milliseconds until a file of the made-up hive is read. */
const answering = 5;

/** Follows the made-up hive as the page follows a real one, its reads of jobs included. */
function followed(state: HiveState) {
  const hears = new Map<string, (event: LiveEvent) => void>();
  const json = async <T>(path: string): Promise<T> => {
    await new Promise((done) => setTimeout(done, answering));
    const [, , name] = path.split("/");
    return (path.startsWith("/jobs/") ? { state: "done", job_id: name, ended_ms: Date.now() } : {}) as T;
  };
  const end = feed(state, {
    api: { json, text: () => Promise.reject(new Error("no text")) },
    live: {
      follow: (path, hear) => {
        hears.set(path, hear);
        return () => hears.delete(path);
      },
    },
    now: () => Date.now(),
    every: (ms, act) => {
      const timer = setInterval(act, ms);
      return () => clearInterval(timer);
    },
  });
  const tell = (path: string, text: string): void => {
    if (text !== "") hears.get(path)?.({ event: "data", cursor: "", data: { at: 0, next: 0, text } });
  };
  return { tell, end };
}

/** Ages in steps of ten milliseconds, so that an hour of them takes no room. */
class Ages {
  readonly #steps = new Uint32Array(1000);
  #count = 0;
  worst = 0;

  add(age: number): void {
    const step = Math.min(this.#steps.length - 1, Math.floor(age / 10));
    this.#steps[step] = (this.#steps[step] ?? 0) + 1;
    this.#count += 1;
    this.worst = Math.max(this.worst, age);
  }

  /** What 99 of a hundred stayed below. */
  get most(): number {
    let below = 0;
    const at = this.#steps.findIndex((count) => {
      below += count;
      return below >= this.#count * 0.99;
    });
    return (at + 1) * 10;
  }
}

/** Draws a made-up hive for a while with events offered all the time. */
async function measure({ machines, perSecond, seconds }: Wanted): Promise<Measured> {
  applyTheme();
  const box = document.querySelector<HTMLElement>(".canvas");
  // A canvas is drawn on by one stage in its life.
  const canvas = document.createElement("canvas");
  box?.replaceChildren(canvas);
  if (!box) throw new Error("Cannot draw: the page has no canvas");
  const state = hiveOf(machines);
  const scene = new HiveScene(box, canvas, state, () => undefined);
  await scene.begin();
  await new Promise((done) => setTimeout(done, 1500));
  const { figures } = scene;
  Object.assign(figures, { frames: 0, spent: 0, worst: 0 });
  const lines = linesOf(machines);
  const hive = followed(state);
  const began = performance.now();
  const ages = new Ages();
  let [given, intake] = [0, 0];
  let oldest: number | undefined;
  let seen = figures.frames;
  const watch = () => {
    const now = performance.now();
    if (figures.frames > seen && oldest !== undefined) {
      ages.add(now - oldest);
      oldest = undefined;
    }
    seen = figures.frames;
    if (now - began < seconds * 1000) requestAnimationFrame(watch);
  };
  requestAnimationFrame(watch);
  while (performance.now() - began < seconds * 1000) {
    const due = Math.floor(((performance.now() - began) / 1000) * perSecond);
    const before = performance.now();
    let [events, refusals] = ["", ""];
    for (; given < due; given += 1) {
      const { text, isRefusal } = lines.next().value;
      if (isRefusal) refusals += `${text}\n`;
      else events += `${text}\n`;
    }
    hive.tell("/trace/events", events);
    hive.tell("/trace/ctl", refusals);
    intake += performance.now() - before;
    oldest ??= before;
    await new Promise((done) => setTimeout(done, 10));
  }
  hive.end();
  scene.close();
  return {
    frames: figures.frames,
    frame: figures.spent / figures.frames,
    worst: figures.worst,
    intake: intake / figures.frames,
    events: given,
    freshness: ages.worst,
    fresh99: ages.most,
    pace: figures.pace,
  };
}

(globalThis as { measure?: typeof measure }).measure = measure;
