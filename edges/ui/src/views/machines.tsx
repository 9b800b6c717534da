import { useState } from "preact/hooks";
import { Chip, Cli, Empty, Facts, StateChip, Waiting } from "../parts/basic.tsx";
import { useApp, useHive, useRead, useStream, useTick } from "../parts/context.ts";
import { endText } from "../parts/job-words.ts";
import { Output } from "../parts/output.tsx";
import { agoText, bytesText, cliOf } from "../parts/words.ts";
import { isEnded, type Machine, newestFirst } from "../state/model.ts";

const rows = 150;
const order = ["frozen", "draining", "busy", "ready", "unknown", "away"];

/** Every machine with its state and reason, and one of them. */
export function Machines({ object }: { readonly object: string }) {
  const { machines } = useHive();
  return (
    <div class={`split ${object ? "opened" : ""}`}>
      <All chosen={object} />
      {object ? (
        <div class="pane">
          <MachineDetails key={object} id={object} heading="h1" />
        </div>
      ) : (
        <div class="pane">
          {machines.size > 0 && (
            <Empty title="Choose a machine">What it is, what it runs, what its owner allows, and why.</Empty>
          )}
        </div>
      )}
    </div>
  );
}

const matches = ({ id, state, site, class: kind, role, reason }: Machine, wanted: string) =>
  `${id} ${state} ${site} ${kind} ${role} ${reason}`.toLowerCase().includes(wanted.trim().toLowerCase());

// What is one's own and stands nowhere in particular is most of them, and says nothing.
const kindOf = ({ site, class: kind }: Machine): string =>
  [site, kind === "owned" ? "" : kind].filter((part) => part !== "").join(" · ");

function All({ chosen }: { readonly chosen: string }) {
  const app = useApp();
  const hive = useHive();
  const [wanted, setWanted] = useState("");
  const [most, setMost] = useState(rows);
  const all = [...hive.machines.values()]
    .filter((machine) => matches(machine, wanted))
    .sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state) || (a.id < b.id ? -1 : 1));
  const isKnown = hive.facts.has("listed") || app.isWhole;
  return (
    <section class="pane list" aria-label="Machines">
      <header>
        <h1>Machines</h1>
        <Chip>{hive.machines.size}</Chip>
        <input
          type="search"
          placeholder="Filter"
          aria-label="Filter machines"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </header>
      {all.length === 0 && !isKnown && <Waiting what="the machines" />}
      {all.length === 0 && isKnown && (
        <Empty title={wanted ? "No machine is like that" : "No machines yet"}>
          <p>Let one join with a line that counts once:</p>
          <Cli command="skep invite" />
        </Empty>
      )}
      <ol class="rows">
        {all.slice(0, most).map((machine) => (
          <li key={machine.id}>
            <a
              href={app.href("machines", machine.id)}
              aria-current={machine.id === chosen ? "true" : undefined}
            >
              <b>{machine.id}</b>
              <StateChip state={machine.state} />
              <span class="grow dim">{kindOf(machine)}</span>
              <Load machine={machine} />
              {machine.reason !== "" && <span class="reason dim small">{machine.reason}</span>}
            </a>
          </li>
        ))}
      </ol>
      {all.length > most && (
        <button type="button" class="quiet" onClick={() => setMost(most + rows)}>
          {all.length - most} more
        </button>
      )}
      <Cli command="skep ls /worker" />
    </section>
  );
}

function Load({ machine: { running, slots } }: { readonly machine: Machine }) {
  if (slots === 0) return null;
  return (
    <span class="load" title={`${running.size} of ${slots} slots`}>
      <meter min={0} max={slots} value={Math.min(slots, running.size)} aria-label="Slots in use" />
      <small>
        {running.size}/{slots}
      </small>
    </span>
  );
}

const shownApart = new Set([
  "id",
  "state",
  "class",
  "role",
  "slots",
  "since",
  "present",
  "layers",
  "key",
  "labels",
  "owner",
  "incarnation",
  "session",
  "beats",
]);

function plain(name: string, value: unknown): string {
  if (Array.isArray(value)) return value.join(" · ");
  if (typeof value === "number" && /bytes$/i.test(name)) return bytesText(value);
  if (name === "clockOffset") return `${String(value)} ms`;
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** What the files call otherwise than people do. */
const titles: Readonly<Record<string, string>> = {
  ahead: "jobs taken ahead",
  kinds: "runs",
  grades: "grades of isolation",
  arch: "processor",
};

/** `memoryBytes` as words. */
const titleOf = (name: string): string =>
  titles[name] ?? name.replace(/_?bytes$/i, "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** All that is known of a machine. */
export function MachineDetails({ id, heading }: { readonly id: string; readonly heading: "h1" | "h2" }) {
  const app = useApp();
  const hive = useHive();
  useTick(5000);
  const Title = heading;
  const machine = hive.machines.get(id);
  if (!machine)
    return (
      <Empty title={`No machine ${id}`}>
        {app.route.at === undefined
          ? "It left, or your ticket does not show it."
          : "It was not there at that time."}{" "}
        <a href={app.href("machines")}>All machines</a>
      </Empty>
    );
  const { info, state, reason, slots, running, site } = machine;
  const list = (value: unknown) => (Array.isArray(value) ? value.join(" · ") : undefined);
  const rest = Object.entries(info).filter(
    ([name, value]) => !shownApart.has(name) && value !== "" && value !== null,
  );
  return (
    <>
      <header>
        <a class="back" href={app.href("machines")} aria-label="To all machines">
          ←
        </a>
        <Title>{id}</Title>
        <StateChip state={state} />
        {machine.class && <Chip>{machine.class}</Chip>}
      </header>
      <p class="why">
        <b>Why</b> {reason || reasonless(machine)}
      </p>
      <Facts
        facts={[
          ["slots", `${running.size} of ${slots} in use`],
          ["site", site],
          ["since", typeof info.since === "number" && agoText(info.since, app.time())],
          ["labels", list(info.labels)],
        ]}
      />
      <Work machine={machine} />
      {app.route.at === undefined && <Telemetry id={id} />}
      <section aria-label="What it is">
        <h2>What it is</h2>
        <Facts
          facts={[
            ...rest.map(([name, value]) => [titleOf(name), plain(name, value)] as const),
            ["sandbox", list(info.layers)],
            ["key", typeof info.key === "string" && info.key !== "" && <code class="break">{info.key}</code>],
          ]}
        />
      </section>
      <Owned id={id} />
      <Cli command={cliOf("cat", `/worker/${id}/info`)} />
    </>
  );
}

function reasonless({ state, running, slots }: Machine): string {
  if (state === "busy")
    return `it works on ${running.size} job${running.size === 1 ? "" : "s"}, ${slots} slots`;
  if (state === "ready") return "it waits for work";
  return state === "unknown" ? "its info was not read yet" : "no reason is told";
}

function Work({ machine }: { readonly machine: Machine }) {
  const app = useApp();
  const { jobs } = useHive();
  const own = [...jobs.values()].filter(({ worker }) => worker === machine.id).sort(newestFirst);
  return (
    <section aria-label="Its jobs">
      <h2>Jobs</h2>
      {own.length === 0 && <p class="dim">None that are still remembered.</p>}
      <ol class="rows">
        {own.slice(0, 8).map((job) => (
          <li key={job.id}>
            <a href={app.href("jobs", job.id)}>
              <b class="number">{job.id}</b>
              <StateChip state={job.state} />
              <span class="grow dim">{isEnded(job) && endText(job)}</span>
              <small>{agoText(job.ended || job.started, app.time())}</small>
            </a>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Telemetry({ id }: { readonly id: string }) {
  const stream = useStream(`/worker/${id}/telemetry`);
  if (stream.problem || stream.lines.length === 0) return null;
  return (
    <section aria-label="Its last lines">
      <h2>Last lines</h2>
      <Output stream={stream} empty="" />
    </section>
  );
}

// Whatever a provider mounts below a machine is here without this page knowing it.
function Owned({ id }: { readonly id: string }) {
  const app = useApp();
  const path = app.pathAt(`/worker/${id}`);
  const { value } = useRead(path, () => app.api.page(path));
  if (!value) return null;
  return (
    <section aria-label="Its files">
      <h2>Files</h2>
      <p class="links">
        {value.entries.map(({ name }) => (
          <a key={name} href={app.href("files", `worker/${id}/${name}`)}>
            {name}
          </a>
        ))}
      </p>
    </section>
  );
}
