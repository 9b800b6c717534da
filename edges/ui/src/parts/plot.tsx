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

/** What a metric is measured in, as its name says by the rules of Prometheus. */
export type Unit = "B" | "s" | "";

const rounded = (value: number, digits: number): string => String(Number(value.toPrecision(digits)));

/** A number as people read it. */
function figureText(value: number, unit: Unit = "", digits = 3): string {
  const size = Math.abs(value);
  const end = unit === "" ? "" : ` ${unit}`;
  if (unit === "s" && size !== 0 && size < 1)
    return size < 0.001 ? `${rounded(value * 1e6, digits)} µs` : `${rounded(value * 1e3, digits)} ms`;
  for (const [step, prefix] of [
    [1e9, "G"],
    [1e6, "M"],
    [1e3, "k"],
  ] as const)
    if (size >= Math.max(step, 1e4) && unit !== "s")
      return `${rounded(value / step, digits)} ${prefix}${unit}`;
  return `${Number.isInteger(value) ? value : rounded(value, digits)}${end}`;
}

/** What a plot goes along. */
type By = "time" | "line";

/** Names of a scale: those that would all be one have a digit more. */
function scaleText(splits: readonly number[], unit: Unit): string[] {
  const short = splits.map((value) => figureText(value, unit));
  return new Set(short).size === splits.length ? short : splits.map((value) => figureText(value, unit, 5));
}

function dataOf(track: Track, names: readonly string[], by: By): UPlot.AlignedData {
  const lines = names.map((name) => track.lines.get(name) ?? []);
  const times = by === "line" ? [...track.times] : track.times.map((time) => time / 1000);
  return [times, ...lines] as UPlot.AlignedData;
}

/** The time of day, seconds where they tell something. */
function momentText(seconds: number, step: number): string {
  const at = new Date(seconds * 1000);
  const two = (part: number): string => String(part).padStart(2, "0");
  const minutes = `${two(at.getHours())}:${two(at.getMinutes())}`;
  return step < 60 ? `${minutes}:${two(at.getSeconds())}` : minutes;
}

const lineText = (at: number): string => (Number.isInteger(at) ? `line ${at}` : "");

// A minute at least. Of one moment alone uPlot would make years to come.
const span: UPlot.Scale.Range = ({ data }, from) => {
  const to = data[0].at(-1) ?? from;
  return [Math.min(from, to - 60), to];
};

const numbers: UPlot.Scale.Range = (_plot, from, to) => [from, Math.max(to, from + 4)];

function optionsOf(names: readonly string[], width: number, unit: Unit, by: By): UPlot.Options {
  const palette = paletteNow();
  const axis = { stroke: palette.dim, grid: { stroke: palette.line, width: 1 }, ticks: { show: false } };
  return {
    width,
    height,
    legend: { show: false },
    scales: { x: by === "line" ? { time: false, range: numbers } : { range: span } },
    cursor: { y: false, points: { size: 6 } },
    axes: [
      {
        ...axis,
        size: 28,
        space: 84,
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((split) => (by === "line" ? lineText(split) : momentText(split, step))),
      },
      { ...axis, size: 64, values: (_plot, splits) => scaleText(splits, unit) },
    ],
    series: [
      {},
      ...names.map((label, at) => {
        const stroke = palette[colours[at % mostLines] ?? "honey"];
        // Two moments are no line yet, or one that nobody sees: they are dots.
        const show = (plot: UPlot): boolean => plot.data[0].length < 4;
        return { label, stroke, width: 1.6, points: { show, size: 6, fill: stroke } };
      }),
    ],
  };
}

/** What a line is called: its labels by what they say, as far as that is plain. */
function lineName(labels: string): string {
  const [, quantile] = /^quantile=([\d.]+)$/.exec(labels) ?? [];
  if (quantile !== undefined) return quantile === "1" ? "most" : `p${Number(quantile) * 100}`;
  return labels === "" ? "now" : labels.replace(/^\w+=(?=[^,]+$)/, "");
}

/** Lines over time; what they say now stands in words beside them. `count` tells that the track has grown. */
export function Plot(props: {
  readonly title: string;
  readonly doc: string;
  readonly track: Track;
  readonly count: number;
  readonly unit?: Unit;
  /** Of its lines only these. */
  readonly lines?: readonly string[];
  /** What the moments of the track are: milliseconds, or numbers of lines. */
  readonly by?: By;
}) {
  const { title, doc, track, count, unit = "", lines, by = "time" } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const all = lines ?? [...track.lines.keys()];
  const names = all.slice(0, mostLines);
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
        plot.current = new Made(
          optionsOf(names, place.clientWidth, unit, by),
          dataOf(track, names, by),
          place,
        );
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
  }, [track, key, by]);
  useEffect(() => plot.current?.setData(dataOf(track, names, by)), [count]);
  return (
    <section class="plot" aria-label={title}>
      <h3>{doc === "" ? title : doc}</h3>
      {doc !== "" && (
        <p class="dim small">
          <code>{title}</code>
        </p>
      )}
      <div ref={box} class="drawn" aria-hidden="true" />
      <p class="small latest">
        {names.map((name, at) => (
          <Chip key={name} tone={(colours[at % mostLines] ?? "honey") as Tone}>
            {lineName(name)} {figureText(track.lines.get(name)?.at(-1) ?? 0, unit)}
          </Chip>
        ))}
        {all.length > mostLines && <span class="dim">and {all.length - mostLines} more</span>}
      </p>
    </section>
  );
}
