import type { Problem } from "@skep/http-client";
import { useEffect, useState } from "preact/hooks";
import { Chip, Cli, Empty, Trouble, Waiting } from "../parts/basic.tsx";
import { useApp, useHive, useRead } from "../parts/context.ts";
import { Plot, type Unit } from "../parts/plot.tsx";
import { cliOf } from "../parts/words.ts";
import { problemOf } from "../parts/problem.ts";
import { Device } from "./device.tsx";
import { mostMoments, Source } from "./source.tsx";
import { type Family, familiesOf, Meters } from "../scene/series.ts";

const pace = 2000;
const source = "/proc/metrics";
const atOnce = 8;
/** What is shown of a hive before anything is looked for. */
const first =
  /cpu_seconds|resident_memory|loop_delay|controls_total|_sessions$|reads_total|answers_total|journal_records/;

/** What the hive and its machines measure, as it comes. */
export function Telemetry({ object }: { readonly object: string }) {
  const device = /^queen\/telemetry\/([^/]+)$/.exec(object)?.[1];
  return (
    <div class={`split ${object ? "opened" : ""}`}>
      <Sources chosen={object} />
      {object === "" && <Metrics />}
      {device !== undefined && <Device key={object} name={device} />}
      {object !== "" && device === undefined && <Source key={object} path={`/${object}`} />}
    </div>
  );
}

// Devices of the telemetry plane stand here once a hive has them: the page only lists what is there.
async function devicesOf(list: (path: string) => Promise<readonly { readonly name: string }[]>) {
  const root = "/queen/telemetry";
  const isThere = (await list("/queen").catch(() => [])).some(({ name }) => name === "telemetry");
  const names = isThere ? await list(root) : [];
  return names.filter(({ name }) => name !== "ctl").map(({ name }) => `${root}/${name}`);
}

function Sources({ chosen }: { readonly chosen: string }) {
  const app = useApp();
  const hive = useHive();
  const [wanted, want] = useState("");
  const { value: devices = [] } = useRead(app.pathAt("/queen/telemetry"), () =>
    devicesOf(async (path) => (await app.api.page(app.pathAt(path))).entries),
  );
  const isOfMachine = (path: string) => hive.machines.has(path.slice(path.lastIndexOf("/") + 1));
  const all = [
    ...devices.filter((path) => !isOfMachine(path)),
    ...[...hive.machines.keys()].map((id) => `/worker/${id}/telemetry`),
    ...devices.filter(isOfMachine),
  ];
  const found = all.filter((path) => path.includes(wanted));
  return (
    <section class="pane list" aria-label="Sources">
      <header>
        <h1>Telemetry</h1>
        <Chip>{all.length + 1}</Chip>
        <input
          type="search"
          placeholder="Filter"
          aria-label="Filter sources"
          value={wanted}
          onInput={(event) => want(event.currentTarget.value)}
        />
      </header>
      <ol class="rows">
        <li>
          <a href={app.href("telemetry")} aria-current={chosen === "" ? "true" : undefined}>
            <b>The hive</b>
            <span class="grow dim">metrics</span>
          </a>
        </li>
        {found.slice(0, 200).map((path) => (
          <li key={path}>
            <a
              href={app.href("telemetry", path.slice(1))}
              aria-current={path.slice(1) === chosen ? "true" : undefined}
            >
              <b>{path.startsWith("/worker/") ? path.split("/")[2] : path.split("/").at(-1)}</b>
              <span class="grow dim">
                {path.startsWith("/worker/")
                  ? "lines of the machine"
                  : isOfMachine(path)
                    ? "segments of the machine"
                    : "device"}
              </span>
            </a>
          </li>
        ))}
      </ol>
      <Cli command={cliOf("cat", source)} />
    </section>
  );
}

interface Read {
  readonly families: readonly Family[];
  readonly count: number;
  readonly problem?: Problem;
}

/** Reads the metrics at a pace while they are looked at. */
function useMetrics(meters: Meters): Read {
  const app = useApp();
  const [read, set] = useState<Read>({ families: [], count: 0 });
  const isLive = app.route.at === undefined && app.replay === undefined;
  useEffect(() => {
    if (!isLive) return undefined;
    let isWanted = true;
    const look = async () => {
      if (document.visibilityState === "hidden") return;
      try {
        const families = familiesOf(await app.api.text(source));
        if (!isWanted) return;
        meters.push(app.clock.now(), families);
        set(({ count }) => ({ families, count: count + 1 }));
      } catch (thrown) {
        if (isWanted) set((before) => ({ ...before, problem: problemOf(thrown) }));
      }
    };
    void look();
    const timer = setInterval(look, pace);
    return () => {
      isWanted = false;
      clearInterval(timer);
    };
  }, [isLive, meters]);
  return read;
}

const unitOf = (name: string): Unit =>
  /_bytes(_total)?$/.test(name) ? "B" : /_seconds$/.test(name) ? "s" : "";

function Metrics() {
  const app = useApp();
  const [meters] = useState(() => new Meters(mostMoments));
  const { families, count, problem } = useMetrics(meters);
  const [wanted, want] = useState("");
  const shown = families.filter(({ name, doc }) =>
    wanted === "" ? first.test(name) : `${name} ${doc}`.toLowerCase().includes(wanted.toLowerCase()),
  );
  if (app.route.at !== undefined || app.replay)
    return (
      <div class="pane">
        <Empty title="Telemetry is no part of the past">
          What was measured is told as it comes. Go back to now to see it.
        </Empty>
      </div>
    );
  return (
    <div class="pane" aria-live="off">
      <header>
        <h2>The hive</h2>
        <input
          type="search"
          placeholder={`Find in ${families.length} metrics`}
          aria-label="Find metrics"
          value={wanted}
          onInput={(event) => want(event.currentTarget.value)}
        />
      </header>
      {problem && <Trouble problem={problem} />}
      {families.length === 0 && !problem && <Waiting what={source} />}
      {families.length > 0 && shown.length === 0 && (
        <Empty title="No metric is called that">Names and words of metrics are looked through.</Empty>
      )}
      <div class="plots">
        {shown.slice(0, atOnce).map(({ name, doc, isCounter }) => {
          const track = meters.tracks.get(name);
          const words = isCounter ? `${doc}; per second` : doc;
          return (
            track && (
              <Plot key={name} title={name} doc={words} track={track} count={count} unit={unitOf(name)} />
            )
          );
        })}
      </div>
      {shown.length > atOnce && <p class="dim">{shown.length - atOnce} more; name them to see them</p>}
    </div>
  );
}
