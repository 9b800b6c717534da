import { useEffect, useRef, useState } from "preact/hooks";
import type { App } from "../app.ts";
import { Chip, Cli, Empty } from "../parts/basic.tsx";
import { useApp, useHive } from "../parts/context.ts";
import type { HiveState } from "../state/hive.ts";
import { isEnded } from "../state/model.ts";
import { Happened } from "./happened.tsx";
import { HiveScene } from "./hive-scene.ts";
import { MachineDetails } from "./machines.tsx";

/** The hive alive. */
export function Hive({ object }: { readonly object: string }) {
  const app = useApp();
  const hive = useHive();
  const isKnown = hive.facts.has("listed") || app.isWhole;
  return (
    <div class={`hive ${object ? "opened" : ""}`}>
      <Summary hive={hive} isKnown={isKnown} />
      {/* A canvas is drawn on by one stage in its life: another moment gets another one. */}
      <Canvas key={stageOf(app)} selected={object || undefined} />
      {isKnown && hive.machines.size === 0 && !object && (
        <div class="over">
          <Empty title={app.route.at === undefined ? "No machines yet" : "No machines at that time"}>
            <p>A machine joins with a line that counts once:</p>
            <Cli command="skep invite" />
          </Empty>
        </div>
      )}
      {object && (
        <aside class="details" aria-label={`Machine ${object}`}>
          <button
            type="button"
            class="quiet close"
            aria-label="Close"
            onClick={() => app.go({ view: "hive", object: "" })}
          >
            ✕
          </button>
          <MachineDetails key={object} id={object} heading="h2" />
        </aside>
      )}
      <Happened hive={hive} />
    </div>
  );
}

function stageOf({ replay, past, route }: App): string {
  if (replay) return `recording ${replay.turn}`;
  return past ? `at ${route.at}` : "now";
}

function Summary({ hive, isKnown }: { readonly hive: HiveState; readonly isKnown: boolean }) {
  const app = useApp();
  const machines = [...hive.machines.values()];
  const count = (state: string) => machines.filter((machine) => machine.state === state).length;
  const alive = [...hive.jobs.values()].filter((job) => !isEnded(job)).length;
  const cells = [
    ["machines", machines.length, "machines", "dim"],
    ["busy", count("busy"), "machines", "honey"],
    ["frozen", count("frozen"), "machines", "info"],
    ["away", count("away"), "machines", "dim"],
    ["jobs under way", alive, "jobs", "honey"],
    ["refused lately", hive.refusals.all.length, "audit", "bad"],
  ] as const;
  const reason = hive.fact("/proc/lifecycle/reason.json").reason;
  return (
    <header class="summary">
      <h1 class="hidden">Hive</h1>
      {isKnown &&
        cells
          .filter(([name, value]) => value > 0 || name === "machines" || name === "jobs under way")
          .map(([name, value, view, tone]) => (
            <a key={name} href={app.href(view)} class={`figure tone-${value > 0 ? tone : "dim"}`}>
              <b>{value}</b> <span>{name}</span>
            </a>
          ))}
      {typeof reason === "string" && reason !== "started" && <Chip tone="warn">{reason}</Chip>}
    </header>
  );
}

function open(app: App, id: string | undefined): void {
  app.go({ view: "hive", object: id ?? "" });
}

/** Milliseconds for which the scene waits for the machines: a ticket may show none. */
const longestWait = 3000;

/** Ends when the machines are on the screen as figures: the scene costs more than they, and comes behind them. */
function shown(hive: HiveState, isWhole: boolean): Promise<void> {
  return new Promise((done) => {
    const end = (): void => {
      stop();
      clearTimeout(timer);
      requestAnimationFrame(() => setTimeout(done));
    };
    const stop = hive.watch(() => hive.facts.has("listed") && end());
    const timer = setTimeout(end, longestWait);
    if (isWhole || hive.facts.has("listed")) end();
  });
}

function Canvas({ selected }: { readonly selected: string | undefined }) {
  const app = useApp();
  const { hive } = app;
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const scene = useRef<HiveScene>(undefined);
  const [trouble, setTrouble] = useState<string>();
  const [said, say] = useState("");
  useEffect(() => {
    if (!box.current || !canvas.current) return undefined;
    const made = new HiveScene(box.current, canvas.current, hive, (id) => open(app, id));
    scene.current = made;
    shown(hive, app.isWhole)
      .then(() => made.begin())
      .catch((thrown: unknown) => setTrouble(String(thrown)));
    return () => made.close();
  }, [hive]);
  useEffect(() => {
    scene.current?.select(selected);
    const machine = selected === undefined ? undefined : hive.machines.get(selected);
    say(machine ? `${machine.id}: ${machine.state}${machine.reason ? `, ${machine.reason}` : ""}` : "");
  }, [selected, hive]);
  if (trouble !== undefined) return <NoCanvas trouble={trouble} />;
  return (
    <div class="canvas" ref={box}>
      {/* biome-ignore lint/a11y/noInteractiveElementToNoninteractiveRole: the scene is walked with the arrow keys */}
      <canvas
        ref={canvas}
        tabIndex={0}
        role="application"
        aria-label="The hive. Arrows go from machine to machine, Enter opens, plus and minus zoom, 0 shows all."
        onKeyDown={(event) => scene.current?.pressed(event)}
      />
      <p class="hidden" aria-live="polite">
        {said}
      </p>
      <fieldset class="zoom" aria-label="Zoom">
        <button type="button" aria-label="Nearer" onClick={() => scene.current?.zoom(1.4)}>
          +
        </button>
        <button type="button" aria-label="Farther" onClick={() => scene.current?.zoom(1 / 1.4)}>
          −
        </button>
        <button type="button" aria-label="Show all" onClick={() => scene.current?.fit()}>
          ⤢
        </button>
      </fieldset>
    </div>
  );
}

function NoCanvas({ trouble }: { readonly trouble: string }) {
  const app = useApp();
  return (
    <div class="canvas">
      <Empty title="This browser does not draw the scene">
        <p>{trouble}</p>
        <p>
          Everything it shows stands under <a href={app.href("machines")}>Machines</a> and{" "}
          <a href={app.href("jobs")}>Jobs</a>.
        </p>
      </Empty>
    </div>
  );
}
