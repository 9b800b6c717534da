import { useState } from "preact/hooks";
import type { Tone } from "../palette.ts";
import { Chip, Cli, Empty, StateChip, Waiting } from "../parts/basic.tsx";
import { useApp, useHive, useRead, useTick } from "../parts/context.ts";
import { whereText } from "../parts/job-words.ts";
import { agoText, momentText, spanText } from "../parts/words.ts";
import { type Bar, type Lane, marksOf, type Schedule as Plan, scheduleOf } from "../scene/schedule.ts";
import type { HiveState } from "../state/hive.ts";
import { isEnded, type Job, type Machine } from "../state/model.ts";

const spans = [
  ["1 min", 60_000],
  ["10 min", 600_000],
  ["1 h", 3_600_000],
  ["1 day", 86_400_000],
] as const;
const mostLanes = 60;
const rowHeight = 18;

const tones: Readonly<Record<string, Tone>> = {
  done: "ok",
  failed: "bad",
  lost: "bad",
  expired: "bad",
  leased: "honey",
  running: "honey",
  queued: "info",
};

const busiest = (lanes: readonly Lane[]): readonly Lane[] =>
  lanes.length <= mostLanes
    ? lanes
    : [...lanes].sort((a, b) => Number(a.id !== "") - Number(b.id !== "") || b.bars.length - a.bars.length);

/** The shortest span in which anything happened. */
function spanWith(jobs: Iterable<Job>, now: number): number {
  let last = 0;
  for (const job of jobs) last = Math.max(last, isEnded(job) ? job.ended : now);
  return spans.find(([, ms]) => now - last < ms * 0.8)?.[1] ?? 600_000;
}

/** What waits, what runs where, and what ended: a timeline of jobs and their leases. */
export function Schedule() {
  const app = useApp();
  const hive = useHive();
  const [chosen, choose] = useState<number>();
  useTick(1000);
  const span = chosen ?? spanWith(hive.jobs.values(), app.time());
  const plan = scheduleOf(hive.jobs.values(), [...hive.machines.keys()], app.time(), span);
  const waiting = [...hive.jobs.values()].filter((job) => !isEnded(job) && job.worker === "");
  const leased = [...hive.jobs.values()].filter((job) => !isEnded(job) && job.worker !== "");
  const isKnown = hive.facts.has("/jobs") || app.isWhole;
  return (
    <div class="pane wide full">
      <header>
        <h1>Schedule</h1>
        <Chip tone={leased.length > 0 ? "honey" : "dim"}>{leased.length} running</Chip>
        <Chip tone={waiting.length > 0 ? "info" : "dim"}>{waiting.length} waiting</Chip>
        <span class="grow" />
        <div class="tabs" role="tablist" aria-label="Span">
          {spans.map(([name, ms]) => (
            <button
              type="button"
              role="tab"
              key={name}
              aria-selected={span === ms}
              onClick={() => choose(ms)}
            >
              {name}
            </button>
          ))}
        </div>
      </header>
      {isKnown ? <Timeline plan={plan} /> : <Waiting what="the queue" />}
      {isKnown && hive.jobs.size === 0 && (
        <Empty title={app.route.at === undefined ? "No work yet" : "No work at that time"}>
          <p>
            <a href={app.href("jobs")}>Drop a module</a>, or in a terminal:
          </p>
          <Cli command="skep run examples/modules/reverse.wasm" />
        </Empty>
      )}
      <Leases hive={hive} leased={leased} waiting={waiting} />
      <Given />
      <Cli command="skep jobs" />
    </div>
  );
}

function Timeline({ plan }: { readonly plan: Plan }) {
  const app = useApp();
  const marks = marksOf(plan);
  const lanes = busiest(plan.lanes);
  const { machines } = useHive();
  const along = (time: number) => (time - plan.from) / (plan.to - plan.from);
  const part = (time: number) => `${100 * along(time)}%`;
  // A word at the edge would be cut.
  const named = marks.filter((time) => along(time) < 0.93);
  return (
    <section class="schedule" aria-label="Timeline">
      <div class={`lane marks ${named.length > 4 ? "many" : ""}`} aria-hidden="true">
        <span class="who" />
        <svg height="18" aria-hidden="true">
          {named.map((time) => (
            <text key={time} x={part(time)} y="13">
              {momentText(time).slice(11, plan.to - plan.from > 3_600_000 ? 16 : 19)}
            </text>
          ))}
        </svg>
      </div>
      {lanes.slice(0, mostLanes).map(({ id, rows, bars }) => (
        <div class="lane" key={id}>
          {id === "" ? (
            <b class="who">Queue</b>
          ) : (
            <a class="who" href={app.href("machines", id)}>
              {id}
            </a>
          )}
          <svg height={rows * rowHeight + 6}>
            <title>{id === "" ? "What waited" : `What ran on ${id}`}</title>
            {marks.map((time) => (
              <line key={time} class="mark" x1={part(time)} x2={part(time)} y1="0" y2="100%" />
            ))}
            {bars.length === 0 && (
              <text class="idle" x="6" y="16">
                {idleText(machines.get(id))}
              </text>
            )}
            {bars.map((bar) => (
              <BarOf key={bar.job.id} bar={bar} isQueue={id === ""} />
            ))}
          </svg>
        </div>
      ))}
      {lanes.length > mostLanes && <p class="dim">{lanes.length - mostLanes} machines more had less to do</p>}
    </section>
  );
}

/** What keeps a machine from work. */
function idleText(machine: Machine | undefined): string {
  if (!machine || /^(ready|busy|unknown)$/.test(machine.state)) return "";
  return machine.reason === "" ? machine.state : `${machine.state}: ${machine.reason}`;
}

function BarOf({ bar: { job, from, to, row }, isQueue }: { readonly bar: Bar; readonly isQueue: boolean }) {
  const app = useApp();
  const tone = isQueue ? "info" : (tones[job.state] ?? "dim");
  const words = `Job ${job.id}: ${isQueue ? "waited" : job.state}`;
  return (
    <a href={app.href("jobs", job.id)} aria-label={words}>
      <title>{words}</title>
      <rect
        class={`bar tone-${tone} ${isQueue ? "waits" : ""}`}
        x={`${100 * from}%`}
        y={row * rowHeight + 4}
        width={`${Math.max(0.7, 100 * (to - from))}%`}
        height={rowHeight - 4}
        rx="3"
      />
      {to - from > 0.025 * (job.id.length + 1) && (
        <text class={isQueue ? "in tone-info" : "in"} x={`${100 * from + 0.6}%`} y={row * rowHeight + 15}>
          {job.id}
        </text>
      )}
    </a>
  );
}

interface Held {
  readonly hive: HiveState;
  readonly leased: readonly Job[];
  readonly waiting: readonly Job[];
}

function Leases({ hive, leased, waiting }: Held) {
  const app = useApp();
  const now = app.time();
  if (leased.length + waiting.length === 0) return null;
  return (
    <section aria-label="Now">
      <h2>Now</h2>
      <ol class="rows">
        {[...leased, ...waiting].slice(0, 60).map((job) => {
          const until = hive.leases.get(job.worker) ?? 0;
          return (
            <li key={job.id}>
              <a href={app.href("jobs", job.id)}>
                <b class="number">{job.id}</b>
                <StateChip state={job.state} />
                <span class="grow dim">{whereText(job)}</span>
                {job.worker !== "" && until > now && <small>lease for {spanText(until - now)} more</small>}
                <small>{agoText(job.started || job.submitted, now)}</small>
              </a>
            </li>
          );
        })}
      </ol>
    </section>
  );
}

const parts = ["/queen/schedule", "/queen/lease", "/proc/schedule", "/proc/lease"] as const;

// Providers of schedules and leases of resources show here by themselves once a hive has them.
function Given() {
  const app = useApp();
  const { value } = useRead(app.pathAt("/queen"), async () => {
    const names = async (dir: string) =>
      (await app.api.page(app.pathAt(dir)).catch(() => ({ entries: [] }))).entries.map(
        ({ name }) => `${dir}/${name}`,
      );
    const there = new Set((await Promise.all(["/queen", "/proc"].map(names))).flat());
    return parts.filter((path) => there.has(path));
  });
  if (!value || value.length === 0) return null;
  return (
    <p class="links">
      {value.map((path) => (
        <a key={path} href={app.href("files", path.slice(1))}>
          {path}
        </a>
      ))}
    </p>
  );
}
