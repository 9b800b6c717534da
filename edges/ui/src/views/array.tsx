import { useState } from "preact/hooks";
import { Chip, StateChip } from "../parts/basic.tsx";
import { useApp, useHive, useRead } from "../parts/context.ts";
import { whereText } from "../parts/job-words.ts";
import { agoText } from "../parts/words.ts";
import { type Job, jobOf, type Tally } from "../state/model.ts";

const atOnce = 50;

/** Jobs of one submission, counted, and each of them. */
export function Members({ job, tally }: { readonly job: Job; readonly tally: Tally }) {
  const [from, start] = useState(0);
  const to = Math.min(tally.total, from + atOnce);
  const counts = [
    ["ok", "done", tally.done],
    ["honey", "running", tally.running],
    ["info", "queued", tally.queued],
    ["bad", "failed", tally.failed],
    ["dim", "canceled", tally.canceled],
    ["dim", "expired", tally.expired],
  ] as const;
  const ended = tally.done + tally.failed + tally.canceled + tally.expired;
  return (
    <section aria-label="Its jobs">
      <h2>{tally.total} jobs</h2>
      <progress class="whole" max={tally.total} value={ended} aria-label="Jobs that ended" />
      <p class="row">
        {counts.map(([tone, name, count]) => count > 0 && <Chip tone={tone}>{`${count} ${name}`}</Chip>)}
      </p>
      <Some key={from} array={job.id} from={from} to={to} version={ended + tally.running} />
      <div class="row">
        {from > 0 && (
          <button type="button" class="quiet" onClick={() => start(Math.max(0, from - atOnce))}>
            Before
          </button>
        )}
        {to < tally.total && (
          <button type="button" class="quiet" onClick={() => start(to)}>
            {tally.total - to} further
          </button>
        )}
      </div>
    </section>
  );
}

interface Range {
  readonly array: string;
  readonly from: number;
  readonly to: number;
  /** Grows with what became of them: then they are read again. */
  readonly version: number;
}

function Some({ array, from, to, version }: Range) {
  const app = useApp();
  const hive = useHive();
  const base = app.pathAt("/jobs");
  const ids = Array.from({ length: to - from }, (_, at) => `${array}.${from + at}`);
  const { value } = useRead(`${base} ${array} ${from} ${version}`, () =>
    Promise.all(
      ids.map(async (id) => {
        const status = await app.api.json<Record<string, unknown>>(`${base}/${id}/status.json`);
        return jobOf(id, status);
      }),
    ),
  );
  const read = new Map(value?.map((job) => [job.id, job]));
  return (
    <ol class="rows">
      {ids.map((id) => {
        const job = read.get(id) ?? hive.jobs.get(id);
        return (
          <li key={id}>
            <a href={app.href("jobs", id)}>
              <b class="number">{id}</b>
              {job && <StateChip state={job.state} />}
              <span class="grow dim">{job && whereText(job)}</span>
              <small>{job && agoText(job.ended || job.started, app.time())}</small>
            </a>
          </li>
        );
      })}
    </ol>
  );
}
