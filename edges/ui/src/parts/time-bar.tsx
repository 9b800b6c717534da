import { useEffect, useState } from "preact/hooks";
import { useApp, useRead } from "./context.ts";
import { momentText } from "./words.ts";

/** How many records the log has, by its checkpoint. */
export function recordsOf(checkpoint: unknown): number {
  return typeof checkpoint === "string" ? Number(checkpoint.split("\n")[1] ?? 0) : 0;
}

/** When a record was made, as the trace of its neighbourhood tells. */
function useMoment(at: string | undefined): string {
  const app = useApp();
  const { value } = useRead(at, async () => {
    const seq = Number(at);
    const near = [...app.now.acts.all, ...app.now.refusals.all].filter(
      (one) => one.seq <= seq && one.time > 0,
    );
    const best = near.reduce((last, one) => (one.seq >= last.seq ? one : last), { seq: -1, time: 0 });
    return best.time === 0 ? "" : momentText(best.time);
  });
  return value ?? "";
}

/** A slider over everything that happened: the page shows the hive as it was after any record. */
export function TimeBar({ last, close }: { readonly last: number; readonly close: () => void }) {
  const app = useApp();
  const { at } = app.route;
  const [dragged, drag] = useState<number>();
  const [isPlaying, play] = useState(false);
  const shown = dragged ?? (at === undefined ? last : Number(at));
  const moment = useMoment(at);
  const step = (by: number) => {
    const next = Math.max(1, Math.min(last, shown + by));
    app.go({ ...app.route, at: String(next) });
  };
  useEffect(() => {
    if (!isPlaying) return undefined;
    if (shown >= last) {
      play(false);
      return undefined;
    }
    const timer = setTimeout(() => step(1), 700);
    return () => clearTimeout(timer);
  }, [isPlaying, app.past]);
  const settle = () => {
    if (dragged !== undefined) app.go({ ...app.route, at: String(dragged) });
    drag(undefined);
  };
  const leave = () => {
    play(false);
    app.go({ ...app.route, at: undefined });
    close();
  };
  return (
    <section class="timebar" aria-label="Time">
      <button type="button" class="quiet" aria-label="One record back" onClick={() => step(-1)}>
        ◀
      </button>
      <button type="button" class="quiet" aria-pressed={isPlaying} onClick={() => play(!isPlaying)}>
        {isPlaying ? "Pause" : "Play"}
      </button>
      <button type="button" class="quiet" aria-label="One record forward" onClick={() => step(1)}>
        ▶
      </button>
      <input
        type="range"
        min={1}
        max={Math.max(1, last)}
        value={shown}
        aria-label="Record after which the hive is shown"
        onInput={(event) => drag(Number(event.currentTarget.value))}
        onChange={settle}
      />
      <output>
        {at === undefined && dragged === undefined ? "now" : `after record ${shown} of ${last}`}
        {moment !== "" && dragged === undefined && <small> {moment}</small>}
      </output>
      <button type="button" onClick={leave}>
        Back to now
      </button>
    </section>
  );
}
