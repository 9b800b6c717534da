import { useRef } from "preact/hooks";
import { Cli, Trouble } from "../parts/basic.tsx";
import { useApp, useRead, useStream } from "../parts/context.ts";
import { Output } from "../parts/output.tsx";
import { Plot } from "../parts/plot.tsx";
import { cliOf } from "../parts/words.ts";
import { groupsOf, numbersOf, Track } from "../scene/series.ts";

/** Moments of a plot that are kept. */
export const mostMoments = 450;

/** Numbers in the lines of a stream, one moment a line: when it says it was, or which line it is. */
function useTrack(lines: readonly { readonly at: number; readonly text: string; readonly gap?: true }[]) {
  const held = useRef({ track: new Track(mostMoments), last: -1, line: 0, count: 0, isTimed: false });
  const now = held.current;
  for (const [at, { text, gap, at: place }] of lines.entries()) {
    if (gap || place < now.last || (place === now.last && at <= now.line)) continue;
    Object.assign(now, { last: place, line: at });
    const numbers = numbersOf(text);
    const told = numbers.get("time_ms") ?? numbers.get("ts") ?? numbers.get("time") ?? 0;
    if (now.track.times.length === 0) now.isTimed = told > 1e12;
    now.count += 1;
    const values = new Map([...numbers].filter(([name]) => !/^(time|ts|time_ms|seq)$/.test(name)));
    if (values.size > 0) now.track.push(now.isTimed ? told : now.count, values);
  }
  return now;
}

function SourceName({ path }: { readonly path: string }) {
  const app = useApp();
  const [, , id = "", device = "", , segment] = path.split("/");
  if (path.startsWith("/worker/"))
    return (
      <h1>
        <a href={app.href("machines", id)}>{id}</a>
      </h1>
    );
  return (
    <>
      <h1>
        <a href={app.href("telemetry", `queen/telemetry/${device}`)}>{device}</a>
      </h1>
      <code>{segment}</code>
    </>
  );
}

/** What cannot be followed is read. */
function Kept({ path }: { readonly path: string }) {
  const app = useApp();
  const { value, problem, again } = useRead(app.pathAt(path), () => app.api.text(app.pathAt(path)));
  if (problem) return <Trouble problem={problem} again={again} />;
  return (
    <>
      <pre class="content">{value === "" ? "It has told nothing yet" : value}</pre>
      <button type="button" class="quiet" onClick={again}>
        Read it again
      </button>
    </>
  );
}

/** What a stream tells: the numbers in it as plots, and its lines. */
export function Told({ path }: { readonly path: string }) {
  const stream = useStream(path);
  const { track, isTimed } = useTrack(stream.lines);
  const [drawn, count] = [groupsOf(track), track.times.length + stream.lines.length];
  return (
    <>
      <div class="plots">
        {drawn.map((lines) => (
          <Plot
            key={lines.join()}
            title={lines.join(", ")}
            doc=""
            track={track}
            lines={lines}
            count={count}
            by={isTimed ? "time" : "line"}
          />
        ))}
      </div>
      {stream.problem ? (
        <Kept path={path} />
      ) : (
        <Output stream={stream} empty="It has told nothing yet; what it appends shows here at once" />
      )}
      {drawn.length === 0 && (
        <p class="dim">
          Lines with numbers, as <code>temp=21.5</code> or JSON, are drawn as they come. Any program with a
          ticket for this file can append them:
        </p>
      )}
      <Cli command={drawn.length === 0 ? cliOf("echo", "temp=21.5", path) : cliOf("tail", "-f", path)} />
    </>
  );
}

/** One source of telemetry. */
export function Source({ path }: { readonly path: string }) {
  const app = useApp();
  return (
    <article class="pane" aria-label={path}>
      <header>
        <a class="back" href={app.href("telemetry")} aria-label="To all sources">
          ←
        </a>
        <SourceName path={path} />
      </header>
      <Told path={path} />
    </article>
  );
}
