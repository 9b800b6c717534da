import { useState } from "preact/hooks";
import { Act, Chip, Cli, Empty, Facts, StateChip, Trouble, Waiting } from "../parts/basic.tsx";
import { useApp, useHive, useRead, useStream, useText, useTick } from "../parts/context.ts";
import { whereText } from "../parts/job-words.ts";
import { Output } from "../parts/output.tsx";
import { agoText, bytesText, cliOf, momentText, shortText, spanText } from "../parts/words.ts";
import { isEnded, type Job, jobOf, newestFirst } from "../state/model.ts";
import { Members } from "./array.tsx";
import { Receipt } from "./receipt.tsx";
import { Submit, submit } from "./submit.tsx";

const rows = 100;

/** The queue, and one job of it. */
export function Jobs({ object }: { readonly object: string }) {
  return (
    <div class={`split ${object ? "opened" : ""}`}>
      <Queue chosen={object} />
      {object ? <One key={object} id={object} /> : <Beginning />}
    </div>
  );
}

function Beginning() {
  const { jobs } = useHive();
  return (
    <div class="pane">
      <Submit />
      {jobs.size > 0 && (
        <Empty title="Choose a job">
          Its output, its receipt and why it is where it is stand here. <kbd>/</kbd> finds one by its number
          or machine.
        </Empty>
      )}
    </div>
  );
}

const matches = (job: Job, wanted: string) =>
  `${job.id} ${job.state} ${job.owner} ${whereText(job)}`.toLowerCase().includes(wanted.trim().toLowerCase());

function Queue({ chosen }: { readonly chosen: string }) {
  const app = useApp();
  const hive = useHive();
  const [wanted, setWanted] = useState("");
  const [most, setMost] = useState(rows);
  useTick(5000);
  const all = [...hive.jobs.values()]
    .sort(newestFirst)
    // Those of an array stand in it, and are found by name.
    .filter((job) => (wanted === "" ? !job.id.includes(".") : matches(job, wanted)));
  const alive = all.filter((job) => !isEnded(job)).length;
  const isListed = hive.facts.has("/jobs");
  const listed = (hive.facts.get("/jobs") as readonly string[] | undefined)?.length ?? 0;
  return (
    <section class="pane list" aria-label="Queue">
      <header>
        <h1>Jobs</h1>
        <Chip tone={alive > 0 ? "honey" : "dim"}>{alive} under way</Chip>
        <input
          type="search"
          placeholder="Filter"
          aria-label="Filter jobs"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
        {chosen && (
          <a class="button" href={app.href("jobs")}>
            New
          </a>
        )}
      </header>
      {all.length === 0 && !isListed && <Waiting what="the queue" />}
      {all.length === 0 && isListed && listed === 0 && (
        <Empty title={app.route.at === undefined ? "No jobs yet" : "No jobs at that time"}>
          <p>Drop a .wasm module here, or in a terminal:</p>
          <Cli command="skep run examples/modules/reverse.wasm" />
        </Empty>
      )}
      {all.length === 0 && wanted !== "" && listed > 0 && (
        <Empty title="No job is like that">
          Numbers, states, machines, owners and reasons are looked through.
        </Empty>
      )}
      <ol class="rows">
        {all.slice(0, most).map((job) => (
          <li key={job.id}>
            <a href={app.href("jobs", job.id)} aria-current={job.id === chosen ? "true" : undefined}>
              <b class="number">{job.id}</b>
              <StateChip state={job.state} />
              <span class="grow dim" title={whereText(job)}>
                {whereText(job)}
              </span>
              <small>{agoText(job.ended || job.started || job.submitted, app.time())}</small>
            </a>
          </li>
        ))}
      </ol>
      {all.length > most && (
        <button type="button" class="quiet" onClick={() => setMost(most + rows)}>
          {all.length - most} more
        </button>
      )}
      <Cli command="skep jobs" />
    </section>
  );
}

interface Spec {
  readonly kind: string;
  readonly what: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly grade: string;
}

function One({ id }: { readonly id: string }) {
  const app = useApp();
  const hive = useHive();
  const known = hive.jobs.get(id);
  const base = app.pathAt(`/jobs/${id}`);
  const read = useRead(known ? undefined : base, async () =>
    jobOf(id, await app.api.json<Record<string, unknown>>(`${base}/status.json`)),
  );
  const job = known ?? read.value;
  if (read.problem && !job)
    return (
      <div class="pane">
        <Trouble problem={read.problem} again={read.again} />
        <p>
          <a href={app.href("jobs")}>To the queue</a>
        </p>
      </div>
    );
  if (!job) return <Waiting what={`job ${id}`} />;
  const [array = id] = id.split(".");
  return (
    <article class="pane" aria-label={`Job ${id}`}>
      <header>
        <a class="back" href={app.href("jobs")} aria-label="To the queue">
          ←
        </a>
        <h1>Job {id}</h1>
        <StateChip state={job.state} />
        {job.exit !== undefined && <Chip tone={job.exit === 0 ? "ok" : "warn"}>exit {job.exit}</Chip>}
        <span class="grow" />
        <Acts job={job} />
      </header>
      <Why job={job} />
      <Facts
        facts={[
          ["machine", job.worker && <a href={app.href("machines", job.worker)}>{job.worker}</a>],
          ["array", array !== id && <a href={app.href("jobs", array)}>{array}</a>],
          ["owner", job.owner],
          ["submitted", job.submitted > 0 && momentText(job.submitted)],
          ["took", job.ended > 0 && job.started > 0 && spanText(job.ended - job.started)],
          ["tries", job.tries > 1 && String(job.tries)],
          ["manifest", job.jobId && <code title={job.jobId}>{shortText(job.jobId, 16)}</code>],
        ]}
      />
      {job.tally ? (
        <Members job={job} tally={job.tally} />
      ) : (
        <>
          <Outputs job={job} />
          <h2>Receipt</h2>
          <Receipt job={job} />
        </>
      )}
      <p class="links">
        <a href={app.href("audit", array)}>Its record in the log, with proof</a>
        <a href={app.href("files", `jobs/${id}`)}>Its files</a>
      </p>
      <Cli command={cliOf("jobs", id)} />
    </article>
  );
}

function Why({ job }: { readonly job: Job }) {
  const { value, problem } = useText(`/jobs/${job.id}/why`);
  if (problem) return null;
  const [told = "…", ...chain] = (value ?? "…").trim().split("\n");
  const first = told === "done: exit" ? "it ran to its end" : told;
  return (
    <div class="why">
      <b>Why</b> {first} {!first.includes(job.message) && <span>{job.message}</span>}
      {chain.length > 0 && (
        <details>
          <summary>the whole chain</summary>
          {chain.join("\n")}
        </details>
      )}
    </div>
  );
}

function Outputs({ job }: { readonly job: Job }) {
  const app = useApp();
  const [which, choose] = useState<"stdout" | "stderr">("stdout");
  const stream = useStream(`/jobs/${job.id}/${which}`);
  const shown = isEnded(job) ? { ...stream, isEnded: true } : stream;
  const sizes = { stdout: job.stdoutBytes, stderr: job.stderrBytes };
  return (
    <section aria-label="Output">
      <div class="tabs" role="tablist">
        {(["stdout", "stderr"] as const).map((name) => (
          <button
            type="button"
            role="tab"
            key={name}
            aria-selected={which === name}
            onClick={() => choose(name)}
          >
            {name} {sizes[name] > 0 && <small>{bytesText(sizes[name])}</small>}
          </button>
        ))}
      </div>
      {app.route.at === undefined ? (
        <Output stream={shown} empty="nothing yet" />
      ) : (
        <p class="dim">Output is no part of the past; go back to now to read it.</p>
      )}
    </section>
  );
}

function Acts({ job }: { readonly job: Job }) {
  const app = useApp();
  const cancel = async () => {
    await app.api.append("/jobs/ctl", JSON.stringify({ op: "cancel", job: job.id }));
    app.tell({ tone: "ok", text: `Job ${job.id} is canceled` });
  };
  const again = async () => {
    const [spec, input] = await Promise.all([
      app.api.json<Spec>(`/jobs/${job.id}/spec`),
      app.api.bytes(`/jobs/${job.id}/stdin`),
    ]);
    const { kind, what, args, env, grade } = spec;
    const named = kind === "wasm" ? { module: what } : { name: what };
    app.go({ view: "jobs", object: await submit(app, { kind, ...named, args, env, grade }, input) });
  };
  if (isEnded(job) && job.tally) return null;
  return isEnded(job) ? (
    <Act what={`run job ${job.id} again`} act={again}>
      Run again
    </Act>
  ) : (
    <Act what={`cancel job ${job.id}`} act={cancel}>
      Cancel
    </Act>
  );
}
