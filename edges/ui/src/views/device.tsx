import { Chip, Cli, Empty, StateChip, Trouble, Waiting } from "../parts/basic.tsx";
import { useApp, useJson } from "../parts/context.ts";
import { Told } from "./source.tsx";
import { bytesText, cliOf, shortText } from "../parts/words.ts";

interface Segment {
  readonly id: string;
  readonly mime: string;
  readonly state: string;
  readonly bytes: number;
  readonly records: number;
  readonly digest: string;
}

interface Latest {
  readonly seg_id?: string;
  readonly evicted_records?: number;
  readonly segments?: readonly Segment[];
}

/** A device of the telemetry plane: its segments, the newest first. */
export function Device({ name }: { readonly name: string }) {
  const app = useApp();
  const root = `/queen/telemetry/${name}`;
  const { value, problem, again } = useJson<Latest>(`${root}/latest.json`);
  const segments = [...(value?.segments ?? [])].reverse();
  const newest = segments.find(({ mime }) => mime.startsWith("text/"));
  return (
    <article class="pane" aria-label={name}>
      <header>
        <a class="back" href={app.href("telemetry")} aria-label="To all sources">
          ←
        </a>
        <h1>{name}</h1>
        <Chip>{segments.length === 1 ? "1 segment" : `${segments.length} segments`}</Chip>
        {Number(value?.evicted_records ?? 0) > 0 && <Chip tone="warn">{value?.evicted_records} let go</Chip>}
      </header>
      {problem && <Trouble problem={problem} again={again} />}
      {!value && !problem && <Waiting what={name} />}
      {value && segments.length === 0 && (
        <Empty title="It has no segment yet">
          <Cli command={cliOf("echo", '{"new":"segment","mime":"text/plain"}', `${root}/ctl`)} />
        </Empty>
      )}
      <ol class="rows">
        {segments.map(({ id, mime, state, bytes, records, digest }) => (
          <li key={id}>
            <a href={app.href("telemetry", `${root}/seg/${id}`.slice(1))}>
              <b>{id}</b>
              <StateChip state={state} />
              <span class="grow dim">
                {digest === "" ? mime : `${mime} · sha256 ${shortText(digest, 16)}`}
              </span>
              <small>{state === "open" ? "live" : `${records} records, ${bytesText(bytes)}`}</small>
            </a>
          </li>
        ))}
      </ol>
      <p class="links">
        <a href={app.href("files", `${root}/ctl`.slice(1))}>Begin or seal a segment</a>
      </p>
      <Cli command={cliOf("telemetry", "status", name)} />
      {newest && app.route.at === undefined && (
        <section aria-label="Its newest segment">
          <h2>Newest: {newest.id}</h2>
          <Told path={`${root}/seg/${newest.id}`} />
        </section>
      )}
    </article>
  );
}
