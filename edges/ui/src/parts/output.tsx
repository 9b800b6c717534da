import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { Trouble } from "./basic.tsx";
import type { Stream } from "./context.ts";

/** Lines of a stream as they come; it stays at its end until the reader scrolls up. */
export function Output({ stream, empty }: { readonly stream: Stream; readonly empty: string }) {
  const box = useRef<HTMLDivElement>(null);
  const [isHeld, hold] = useState(false);
  useLayoutEffect(() => {
    if (!isHeld && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [stream.lines, isHeld]);
  if (stream.problem) return <Trouble problem={stream.problem} />;
  const scrolled = () => {
    const { scrollTop = 0, scrollHeight = 0, clientHeight = 0 } = box.current ?? {};
    hold(scrollHeight - scrollTop - clientHeight > 40);
  };
  return (
    <div class="output">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <div class="lines" ref={box} onScroll={scrolled} tabIndex={0} role="log" aria-label="Output">
        {stream.lines.length === 0 && <span class="dim">{stream.isEnded ? "nothing" : empty}</span>}
        {stream.lines.map((line, at) => (
          <span class={line.gap ? "gap" : "line"} key={`${line.at}:${at}`}>
            {line.text}
            {"\n"}
          </span>
        ))}
      </div>
      <div class="under">
        <span role="status">
          {stream.isEnded ? "complete" : isHeld ? "held; it goes on below" : "following"}
        </span>
        {isHeld && (
          <button type="button" class="quiet" onClick={() => hold(false)}>
            To the end
          </button>
        )}
      </div>
    </div>
  );
}
