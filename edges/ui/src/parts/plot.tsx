import { useEffect, useRef } from "preact/hooks";
import type UPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Tone } from "../palette.ts";
import type { Track } from "../scene/series.ts";
import { paletteNow, watchTheme } from "../theme.ts";
import { Chip } from "./basic.tsx";

const colours = ["honey", "info", "ok", "violet", "warn", "bad"] as const;
/** More lines than these cannot be told apart. */
const mostLines = colours.length;
const height = 130;

/** A number as people read it. */
export function figureText(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${(value / 1e9).toFixed(2)} G`;
  if (size >= 1e6) return `${(value / 1e6).toFixed(size >= 1e8 ? 0 : 1)} M`;
  if (size >= 10_000) return `${(value / 1000).toFixed(1)} k`;
  if (size !== 0 && size < 0.001) return `${(value * 1e6).toFixed(0)} µ`;
  return String(Number(value.toPrecision(4)));
}

function dataOf(track: Track, names: readonly string[]): UPlot.AlignedData {
  const lines = names.map((name) => track.lines.get(name) ?? []);
  return [track.times.map((time) => time / 1000), ...lines] as UPlot.AlignedData;
}

function optionsOf(names: readonly string[], width: number): UPlot.Options {
  const palette = paletteNow();
  const axis = { stroke: palette.dim, grid: { stroke: palette.line, width: 1 }, ticks: { show: false } };
  return {
    width,
    height,
    legend: { show: false },
    // One moment alone is drawn as the end of a minute.
    scales: { x: { range: (_plot, from, to) => [Math.min(from, to - 60), to] } },
    cursor: { y: false, points: { size: 6 } },
    axes: [
      { ...axis, size: 26 },
      { ...axis, size: 58, values: (_plot, splits) => splits.map(figureText) },
    ],
    series: [
      {},
      ...names.map((label, at) => {
        const stroke = palette[colours[at % mostLines] ?? "honey"];
        return { label, stroke, width: 1.6, points: { show: false } };
      }),
    ],
  };
}

/** Lines over time; what they say now stands in words beside them. `count` tells that the track has grown. */
export function Plot(props: {
  readonly title: string;
  readonly doc: string;
  readonly track: Track;
  readonly count: number;
}) {
  const { title, doc, track, count } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const names = [...track.lines.keys()].slice(0, mostLines);
  const key = names.join("\n");
  useEffect(() => {
    const place = box.current;
    if (!place) return undefined;
    let isWanted = true;
    const ends: (() => void)[] = [];
    void import("uplot").then(({ default: Made }) => {
      if (!isWanted) return;
      const make = () => {
        plot.current?.destroy();
        plot.current = new Made(optionsOf(names, place.clientWidth), dataOf(track, names), place);
      };
      make();
      const observer = new ResizeObserver(() => plot.current?.setSize({ width: place.clientWidth, height }));
      observer.observe(place);
      ends.push(watchTheme(make), () => observer.disconnect());
    });
    return () => {
      isWanted = false;
      for (const end of ends) end();
      plot.current?.destroy();
      plot.current = undefined;
    };
  }, [track, key]);
  useEffect(() => plot.current?.setData(dataOf(track, names)), [count]);
  return (
    <section class="plot" aria-label={title}>
      <h3>{title}</h3>
      {doc !== "" && <p class="dim small">{doc}</p>}
      <div ref={box} class="drawn" aria-hidden="true" />
      <p class="small latest">
        {names.map((name, at) => (
          <Chip key={name} tone={(colours[at % mostLines] ?? "honey") as Tone}>
            {name === "" ? "now" : name} {figureText(track.lines.get(name)?.at(-1) ?? 0)}
          </Chip>
        ))}
        {track.lines.size > mostLines && <span class="dim">and {track.lines.size - mostLines} more</span>}
      </p>
    </section>
  );
}
