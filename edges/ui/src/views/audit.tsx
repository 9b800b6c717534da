import { useState } from "preact/hooks";
import { toneOf } from "../palette.ts";
import { Chip, Cli, Copy, Empty, Facts, Trouble, Waiting } from "../parts/basic.tsx";
import { useApp, useHive, useRead } from "../parts/context.ts";
import { agoText, cliOf, momentText } from "../parts/words.ts";
import { routeOfPath } from "../state/route.ts";
import type { HiveState } from "../state/hive.ts";
import { Chain } from "./chain.tsx";
import { auditOf, type LogCheck, type Proven, proveRecord } from "./audit-log.ts";

/** What was commanded, and the proof of it. */
export function Audit({ object }: { readonly object: string }) {
  const isRecord = /^\d+$/.test(object);
  return (
    <div class={`split ${isRecord ? "opened" : ""}`}>
      <Timeline chosen={object} onlyRefused={object === "refusals"} />
      {isRecord ? <Record key={object} seq={Number(object)} /> : <Log />}
    </div>
  );
}

interface Row {
  readonly seq: number;
  readonly time: number;
  readonly subject: string;
  readonly path: string;
  readonly text: string;
  readonly tone: "ok" | "bad" | "warn" | "violet" | "info";
  readonly verdict: string;
  readonly count: number;
}

function rowsOf({ acts, refusals }: HiveState): Row[] {
  const taken = acts.all.map(
    (act): Row => ({ ...act, tone: act.verdict === "ok" ? "ok" : "warn", count: 1 }),
  );
  const refused = refusals.all.map(
    (one): Row => ({
      ...one,
      text: one.message,
      tone: toneOf[one.reason] as Row["tone"],
      verdict: one.code,
    }),
  );
  return [...taken, ...refused].sort((a, b) => b.seq - a.seq);
}

function Timeline({ chosen, onlyRefused }: { readonly chosen: string; readonly onlyRefused: boolean }) {
  const app = useApp();
  useHive();
  const [wanted, setWanted] = useState("");
  const needle = wanted.trim().toLowerCase();
  const last = app.route.at === undefined ? Number.POSITIVE_INFINITY : Number(app.route.at);
  // The trace is told live; of the past it is the part up to that record.
  const rows = rowsOf(app.replay?.state ?? app.now)
    .filter(({ seq }) => seq <= last)
    .filter(({ tone }) => !onlyRefused || tone !== "ok")
    .filter(
      ({ seq, subject, path, verdict, text }) =>
        needle === "" || `${seq} ${subject} ${path} ${verdict} ${text}`.toLowerCase().includes(needle),
    );
  return (
    <section class="pane list" aria-label="Timeline">
      <header>
        <h1>Audit</h1>
        <a class="button" href={app.href("audit", onlyRefused ? "" : "refusals")}>
          {onlyRefused ? "All" : "Refusals"}
        </a>
        <input
          type="search"
          placeholder="Filter"
          aria-label="Filter records"
          value={wanted}
          onInput={(event) => setWanted(event.currentTarget.value)}
        />
      </header>
      {rows.length === 0 && (
        <Empty
          title={
            needle !== ""
              ? "No record is like that"
              : onlyRefused
                ? "Nothing was refused lately"
                : "No commands yet"
          }
        >
          Commands and refusals stand here as they come. The whole log is on disk, and the command below reads
          it record by record.
        </Empty>
      )}
      <ol class="rows timeline">
        {rows.slice(0, 150).map((row) => (
          <li key={`${row.seq}${row.verdict}`}>
            <a
              href={app.href("audit", String(row.seq))}
              aria-current={String(row.seq) === chosen ? "true" : undefined}
            >
              <b class="number">{row.seq}</b>
              <span class="grow">
                <span class="path">{row.path}</span>
                <span class="dim cut">
                  {row.verdict !== "ok" && <Chip tone={row.tone}>{row.verdict}</Chip>} {row.subject}:{" "}
                  {row.text}
                </span>
              </span>
              {row.count > 1 && <small>×{row.count}</small>}
              <small>{agoText(row.time, app.time())}</small>
            </a>
          </li>
        ))}
      </ol>
      <Cli command="skep audit cat" />
    </section>
  );
}

const wordOf = (ok: boolean | undefined) =>
  ok === undefined ? "not checked" : ok ? "holds" : "does not hold";
const chipTone = (ok: boolean | undefined) => (ok === undefined ? "warn" : ok ? "ok" : "bad");

/** A record for people: bytes stand side by side. */
function recordText(record: Proven["record"]): string {
  return JSON.stringify(record, undefined, 2).replace(/\[[\d,\s]+\]/g, (list) => list.replace(/\s+/g, ""));
}

/** What was checked, line by line. */
export function Checks({ checks }: { readonly checks: readonly LogCheck[] }) {
  return (
    <ul class="checks">
      {checks.map(({ what, ok, why }) => (
        <li key={what}>
          <Chip tone={chipTone(ok)}>{wordOf(ok)}</Chip> <b>{what}</b> <span>{why}</span>
        </li>
      ))}
    </ul>
  );
}

function Log() {
  const app = useApp();
  const hive = useHive();
  const note = app.now.facts.get("/audit/checkpoint");
  const [key, setKey] = useState(keptKey());
  const { value, problem, again } = useRead(`${String(note)}${key}`, () => auditOf(app.api, key));
  const keep = (text: string) => {
    setKey(text.trim());
    try {
      localStorage.setItem("log-key", text.trim());
    } catch {
      // It is asked for again next time.
    }
  };
  return (
    <div class="pane">
      <h2>The log</h2>
      {problem && <Trouble problem={problem} again={again} />}
      {!value && !problem && <Waiting what="the checkpoint" />}
      {value && (
        <>
          <Facts
            facts={[
              ["records", String(value.size)],
              ["origin", value.origin],
              [
                "root",
                <code class="break" key="root">
                  {value.root}
                </code>,
              ],
            ]}
          />
          <Checks checks={value.checks} />
        </>
      )}
      <label>
        <span>
          Key of the log, as <code>skep audit key</code> prints it
        </span>
        <input
          value={key}
          spellcheck={false}
          placeholder="name+id+key"
          onChange={(event) => keep(event.currentTarget.value)}
        />
      </label>
      <p class="dim small">
        The tiles of the log are read and hashed here. Each checkpoint that this browser has seen is
        remembered, and every later one has to begin with it.{" "}
        {hive.refusals.all.length > 0 && "A refusal opens with its reason on the left."}
      </p>
      <Cli command="skep audit verify" />
    </div>
  );
}

function keptKey(): string {
  try {
    return localStorage.getItem("log-key") ?? "";
  } catch {
    return "";
  }
}

// What was refused made no job.
function opOf(record: Proven["record"] | undefined): string {
  const { ok } = (record?.verdict ?? {}) as { readonly ok?: boolean };
  const { op } = (record?.command ?? {}) as { readonly op?: unknown };
  return ok && typeof op === "string" ? op : "";
}

function Record({ seq }: { readonly seq: number }) {
  const app = useApp();
  const { value, problem, again } = useRead(String(seq), () => proveRecord(app.api, seq));
  const seen = app.now.refusals.all.findLast((one) => one.seq === seq);
  const record = value?.record;
  const path = typeof record?.path === "string" ? record.path : "";
  const isSubmit = path === "/jobs/ctl" && /^(submit|array)$/.test(opOf(record));
  const verdict = record?.verdict as { readonly ok: boolean; readonly code?: string } | undefined;
  return (
    <article class="pane" aria-label={`Record ${seq}`}>
      <header>
        <a class="back" href={app.href("audit")} aria-label="To the timeline">
          ←
        </a>
        <h1>Record {seq}</h1>
        {verdict && <Chip tone={verdict.ok ? "ok" : "bad"}>{verdict.ok ? "accepted" : verdict.code}</Chip>}
      </header>
      {seen && (
        <div class="refusal">
          <p>
            <Chip tone={toneOf[seen.reason]}>{seen.reason}</Chip> <b>{seen.message}</b>
          </p>
          <p class="small dim">
            <code>{seen.code}</code> · asked by {seen.subject}
            {seen.count > 1 && ` · ${seen.count} times in that second`}
          </p>
        </div>
      )}
      {problem && <Trouble problem={problem} again={again} />}
      {!value && !problem && <Waiting what={`record ${seq} and its proof`} />}
      {value && record && (
        <>
          <Facts
            facts={[
              ["when", typeof record.time === "number" && momentText(record.time)],
              ["who", String(record.subject ?? "")],
              ["where", path && <a href={routeOfPath(path)}>{path}</a>],
            ]}
          />
          {typeof record.trace === "string" && <Chain context={record.trace} seq={seq} />}
          <h2>Proof</h2>
          <Checks checks={value.checks} />
          <h2>The record</h2>
          <Copy text={value.text} label="Copy record" />
          <pre class="content">{recordText(record)}</pre>
          <p class="links">
            <a href={`#/hive?at=${seq}`}>The hive as it was then</a>
            {isSubmit && <a href={app.href("jobs", String(seq))}>The job</a>}
          </p>
        </>
      )}
      <Cli command={cliOf("audit", "proof", String(seq))} />
    </article>
  );
}
