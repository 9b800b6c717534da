import { bounds, type Histogram, type Month } from "@skep/owner";
import { escapeForeign, formatDuration, formatTime } from "@skep/text";
import { figuresOf, monthsOf, type OwnerView, stopsOf, totalOf } from "./view.ts";

const text = (value: unknown): string => escapeForeign(String(value), { form: "html" });

const words: Record<string, string> = {
  run: "Lent: work may run",
  freeze: "Yours: work is frozen",
  "give-back": "Yours: work went back",
  paused: "Paused",
};

const style = `
:root{color-scheme:light dark;--ink:#1d2021;--soft:#5f6468;--line:#e3e1dc;--ground:#faf8f4;--card:#fff;--honey:#d79921;--calm:#4f8f6b;--cold:#4b78b5}
@media(prefers-color-scheme:dark){:root{--ink:#ece8df;--soft:#a5a39c;--line:#393734;--ground:#1b1a18;--card:#242321;--honey:#e5b13c;--calm:#77b893;--cold:#82aae0}}
*{box-sizing:border-box}body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:2.5rem 1.25rem 4rem}h1{font-size:1.6rem;margin:0 0 .25rem;letter-spacing:-.01em}
h2{font-size:1.05rem;margin:2.25rem 0 .75rem}p{margin:.25rem 0}.soft{color:var(--soft)}.folder{font:.85rem ui-monospace,monospace;color:var(--soft);overflow-wrap:anywhere}
section.worker{margin-top:2rem}.state{display:flex;gap:1rem;align-items:center;background:var(--card);border:1px solid var(--line);border-left:.4rem solid var(--calm);border-radius:.6rem;padding:1rem 1.25rem}
.state.off{border-left-color:var(--cold)}.state.gone{border-left-color:var(--soft)}.state strong{font-size:1.15rem}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(7.75rem,1fr));gap:.75rem;margin-top:.75rem}
.tile{background:var(--card);border:1px solid var(--line);border-radius:.6rem;padding:.75rem 1rem}.tile b{display:block;font-size:1.35rem;font-variant-numeric:tabular-nums}
.tile span{color:var(--soft);font-size:.85rem}table{width:100%;border-collapse:collapse;font-variant-numeric:tabular-nums}
th{font-weight:500;text-align:left;color:var(--soft);font-size:.85rem}th,td{padding:.4rem .6rem .4rem 0;border-bottom:1px solid var(--line)}td.n,th.n{text-align:right}
.bar{height:.55rem;border-radius:.3rem;background:var(--honey);min-width:2px}td.wide{width:38%}
.histogram{margin-top:1rem;display:flex;align-items:flex-end;gap:3px;height:8rem;border-bottom:1px solid var(--line)}
.histogram div{flex:1;background:var(--calm);border-radius:.2rem .2rem 0 0;min-height:0}.histogram div.late{background:var(--honey)}
.scale{display:flex;gap:3px;color:var(--soft);font-size:.7rem}.scale span{flex:1;text-align:center;overflow:hidden}code{font:.9em ui-monospace,monospace}
ul{margin:.25rem 0;padding-left:1.1rem}
`;

const duration = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : formatDuration(ms));

function stateCard({ state, alive }: OwnerView, now: number): string {
  if (!state) return '<div class="state gone"><strong>No worker was started here yet</strong></div>';
  const shown = alive ? (words[state.state] ?? state.state) : "No worker runs now";
  const tone = alive ? (state.state === "run" ? "" : " off") : " gone";
  const why = alive ? state.reasons.map(({ text: reason }) => `<p>${text(reason)}</p>`).join("") : "";
  const since = `since ${text(formatTime(state.since).replace(".000", ""))}, ${duration(now - state.since)}`;
  const until =
    alive && state.until
      ? `<p class="soft">work goes on in ${duration(state.until - now)} if nothing else happens</p>`
      : "";
  return `<div class="state${tone}"><div><strong>${text(shown)}</strong> <span class="soft">${alive ? since : ""}</span>${why}${until}</div></div>`;
}

function histogramOf(histogram: Histogram): string {
  const most = Math.max(1, ...histogram.counts);
  const named = [...bounds.map((bound) => (bound < 1000 ? `${bound}` : `${bound / 1000}s`)), "more"];
  const bars = histogram.counts.map((count, at) => {
    const late = (bounds[at] ?? Number.POSITIVE_INFINITY) > 20 ? ' class="late"' : "";
    return `<div${late} style="height:${(100 * count) / most}%" title="up to ${named[at]}${at < bounds.length ? " ms" : ""}: ${count}"></div>`;
  });
  return `<div class="histogram">${bars.join("")}</div><div class="scale">${named.map((name) => `<span>${name}</span>`).join("")}</div>`;
}

const tile = (value: string, what: string): string =>
  `<div class="tile"><b>${text(value)}</b><span>${text(what)}</span></div>`;

function monthSection(name: string, month: Month): string {
  const stops = stopsOf(month);
  const { times, ms } = totalOf(month);
  const longest = Math.max(1, ...stops.map((stop) => stop.ms));
  const rows = stops.map(
    (stop) =>
      `<tr><td>${text(stop.rule)}</td><td class="n">${stop.times}</td><td class="n">${duration(stop.ms)}</td><td class="wide"><div class="bar" style="width:${(100 * stop.ms) / longest}%"></div></td></tr>`,
  );
  const tiles = [
    tile(String(times), "times stopped"),
    tile(duration(ms), "stood still"),
    tile(duration(month.lentMs), "lent"),
    tile(duration(month.cpuMs), "processor time given"),
    tile(String(month.jobs), "jobs ended here"),
    tile(String(month.givenBack), "jobs went back"),
  ];
  const table =
    rows.length === 0
      ? '<p class="soft">Nothing stopped work.</p>'
      : `<table><tr><th>why</th><th class="n">times</th><th class="n">how long</th><th></th></tr>${rows.join("")}</table>`;
  return `<h2>${text(name)}</h2><div class="tiles">${tiles.join("")}</div>${table}`;
}

function workerSection(view: OwnerView, now: number): string {
  const { state, book, alive, folder } = view;
  const { count, p50, p99, max } = figuresOf(book.latency);
  const latency =
    count === 0
      ? '<p class="soft">Nothing had to be stopped yet.</p>'
      : `<div class="tiles">${tile(duration(p50 ?? 0), "half of the stops took less")}${tile(duration(p99 ?? 0), "99 of 100 took less")}${tile(duration(max), "the longest")}${tile(String(count), "stops measured")}</div>${histogramOf(book.latency)}<p class="soft">Milliseconds from the moment at which a reason was seen until the kernel showed that nothing ran any more.</p>`;
  const rules = Object.entries(state?.rules ?? {}).map(
    ([name, value]) => `<tr><td><code>${text(name)}</code></td><td>${text(JSON.stringify(value))}</td></tr>`,
  );
  const list = (title: string, lines: readonly { what: string; how: string }[]) =>
    lines.length === 0
      ? ""
      : `<h2>${title}</h2><table>${lines.map(({ what, how }) => `<tr><td>${text(what)}</td><td>${text(how)}</td></tr>`).join("")}</table>`;
  return `<section class="worker"><p class="folder">${text(folder)}</p>${stateCard(view, now)}
<h2>How fast it gets out of your way</h2>${latency}
${monthsOf(book, alive, now)
  .map(([name, month]) => monthSection(name, month))
  .join("")}
<h2>Your rules</h2>${rules.length === 0 ? '<p class="soft">None: <code>skep owner init</code> writes a file to begin with.</p>' : `<p class="folder">${text(state?.file ?? "")}</p><table>${rules.join("")}</table>`}
${list("How the machine is watched", state?.means ?? [])}${list("How limits are enforced", state?.limits ?? [])}</section>`;
}

/** A page of its own, without a script and without anything from elsewhere. */
export function ownerPage(views: readonly OwnerView[], now: number): string {
  const sections = views.map((view) => workerSection(view, now)).join("");
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><title>What this machine lends</title><style>${style}</style></head>
<body><main><h1>What this machine lends</h1><p class="soft">As of ${text(formatTime(now).replace(/\.\d+Z$/, "Z"))}. Your word comes first: <code>skep pause</code>, <code>skep resume</code>.</p>${sections || "<p>No worker was ever started on this machine.</p>"}</main></body></html>
`;
}
