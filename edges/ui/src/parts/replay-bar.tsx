import { useEffect, useState } from "preact/hooks";
import type { Replay } from "../state/replay.ts";
import { useApp } from "./context.ts";
import { momentText } from "./words.ts";

const paces = [1, 10, 60, 600] as const;
const frame = 100;
/** Milliseconds of waiting after which a stretch without records is passed over. */
const longest = 800;

/** Plays a recording: how far it is, how fast it goes, and the way out. */
export function ReplayBar({ replay }: { readonly replay: Replay }) {
  const app = useApp();
  const [isPlaying, play] = useState(false);
  const [pace, setPace] = useState<number>(10);
  const { done, records } = replay;
  const to = (next: number) => {
    replay.to(next);
    app.changed();
  };
  useEffect(() => {
    if (!isPlaying) return undefined;
    if (replay.done >= records.length) replay.to(0);
    let now = replay.time;
    const timer = setInterval(() => {
      const next = records[replay.done]?.time ?? now;
      now = Math.max(now + frame * pace, next - longest * pace);
      if (!replay.play(now)) play(false);
      app.changed();
    }, frame);
    return () => clearInterval(timer);
  }, [isPlaying, pace, replay]);
  return (
    <section class="timebar" aria-label="Recording">
      <button type="button" class="quiet" aria-label="One record back" onClick={() => to(done - 1)}>
        ◀
      </button>
      <button type="button" class="quiet" aria-pressed={isPlaying} onClick={() => play(!isPlaying)}>
        {isPlaying ? "Pause" : "Play"}
      </button>
      <button type="button" class="quiet" aria-label="One record forward" onClick={() => to(done + 1)}>
        ▶
      </button>
      <select
        aria-label="How fast"
        value={String(pace)}
        onChange={(event) => setPace(Number(event.currentTarget.value))}
      >
        {paces.map((one) => (
          <option key={one} value={String(one)}>
            {one}×
          </option>
        ))}
      </select>
      <input
        type="range"
        min={0}
        max={records.length}
        value={done}
        aria-label="Record after which the hive is shown"
        onInput={(event) => to(Number(event.currentTarget.value))}
      />
      <output>
        {done} of {records.length} <small>{momentText(replay.time)}</small>
      </output>
      <button type="button" onClick={() => app.leaveReplay()}>
        Leave the recording
      </button>
    </section>
  );
}
