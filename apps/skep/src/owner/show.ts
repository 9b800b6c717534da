import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Out, toned } from "@skep/edge-cli";
import { kinds } from "@skep/fault";
import { bounds, checkOwner, exampleOwner, monthOf, printProblem } from "@skep/owner";
import { formatDuration, formatTime } from "@skep/text";
import { replacePrivate } from "../client/files.ts";
import { fault } from "./faults.ts";
import { ownerPlaces } from "./folder.ts";
import { ownerPage } from "./page.ts";
import { figuresOf, monthsOf, type OwnerView, stopsOf, totalOf, viewOf } from "./view.ts";

/** Writes the example into each folder that has no rules. */
export async function init(folders: readonly string[], out: Out): Promise<void> {
  const paths = folders.map(ownerPlaces.rules);
  for (const path of paths) if (existsSync(path)) throw fault.exists(path);
  for (const path of paths) {
    replacePrivate(path, exampleOwner());
    if (out.wantsJson) await out.json({ written: path });
    else out.message(`Wrote ${path}: edit it; it counts as soon as it is saved`);
  }
}

/** Names every problem of the files that count; the exit code of `invalid` when there is one. */
export async function check(folders: readonly string[], home: string, out: Out): Promise<number> {
  const candidates = folders.map((folder) => [ownerPlaces.rules(folder), join(home, "owner.toml")]);
  const files = new Set(candidates.flatMap((some) => some.filter((path) => existsSync(path)).slice(0, 1)));
  let wrong = 0;
  for (const file of files) {
    const { problems } = checkOwner(readFileSync(file, "utf8"), file);
    wrong += problems.length;
    if (out.wantsJson) await out.json({ file, problems });
    else if (problems.length === 0) await out.line(`${file}: nothing is wrong`);
    else for (const problem of problems) await out.line(toned("bad", "wrong: "), printProblem(problem));
  }
  if (files.size === 0) out.message("There are no rules: `skep owner --init` writes a file to begin with");
  return wrong === 0 ? 0 : kinds.invalid.exit;
}

/** Writes the page. */
export async function html(folders: readonly string[], to: string, now: number, out: Out): Promise<void> {
  const page = ownerPage(folders.map(viewOf), now);
  if (to === "-") return await out.data(page, { raw: true });
  replacePrivate(to, page);
  if (out.wantsJson) await out.json({ written: to });
  else out.message(`Wrote ${to}`);
}

function jsonOf(view: OwnerView, month: string | undefined, now: number): unknown {
  const { folder, alive, state, book } = view;
  const statements = Object.fromEntries(
    monthsOf(book, alive, now).filter(([name]) => month === undefined || name === month),
  );
  const latency = { ...figuresOf(book.latency), bounds_ms: bounds, counts: book.latency.counts };
  const fromEvent = { ...figuresOf(book.fromEvent), bounds_ms: bounds, counts: book.fromEvent.counts };
  return { folder, alive, ...state, latency_ms: latency, from_event_ms: fromEvent, statements };
}

const span = (ms: number): string => (ms === 0 ? "0 s" : formatDuration(ms));

const tenths = (ms: number | null): string => `${(ms ?? 0).toFixed(1)} ms`;

async function showState({ alive, state, folder }: OwnerView, now: number, out: Out): Promise<void> {
  await out.line(toned("strong", folder));
  if (!state || !alive) return await out.line("  no worker runs here now");
  const until =
    state.until === undefined
      ? ""
      : `, goes on in ${span(Math.max(0, state.until - now))} if nothing else happens`;
  const tone = state.state === "run" ? "good" : "warn";
  await out.line("  ", toned(tone, state.state), ` for ${span(now - state.since)}${until}`);
  for (const { rule, text } of state.reasons) await out.line(`    ${rule}: ${text}`);
  for (const [gpu, { free, reasons }] of Object.entries(state.gpus))
    if (!free) await out.line(`    GPU ${gpu} is not lent: ${reasons[0]?.text ?? ""}`);
  for (const rule of state.blind)
    out.warn(`The rule about ${rule} stops nothing: nothing here can see to it`);
  await out.line(`  rules: ${state.file ?? "none; `skep owner --init` writes some"}`);
  for (const [name, value] of Object.entries(state.rules))
    await out.line(`    ${name} = ${JSON.stringify(value)}`);
  for (const { what, how } of [...state.means, ...state.limits]) await out.line(`    ${what}: ${how}`);
}

/** One screen for each worker: state, rules, how fast it stops, one month. */
export async function show(
  folders: readonly string[],
  asked: string | undefined,
  now: number,
  out: Out,
): Promise<void> {
  for (const view of folders.map(viewOf)) {
    if (out.wantsJson) {
      await out.json(jsonOf(view, asked, now));
      continue;
    }
    await showState(view, now, out);
    const { count, p50, p99, max } = figuresOf(view.book.latency);
    if (count > 0)
      await out.line(
        `  stops: ${count} measured; half within ${tenths(p50)}, 99 of 100 within ${tenths(p99)}, the longest ${tenths(max)}`,
      );
    const name = asked ?? monthOf(now);
    const month = monthsOf(view.book, view.alive, now).find(([one]) => one === name)?.[1];
    if (!month) {
      await out.line(`  ${name}: nothing is known`);
      continue;
    }
    const { times, ms } = totalOf(month);
    await out.line(
      `  ${name}: stopped ${times} times, ${span(ms)} in all; lent for ${span(month.lentMs)}, ${span(month.cpuMs)} of processor time`,
    );
    for (const stop of stopsOf(month))
      await out.line(`    ${stop.rule}: ${stop.times} times, ${span(stop.ms)}`);
    await out.line(
      `    jobs that ended here: ${month.jobs}; that went back: ${month.givenBack}; as of ${formatTime(now)}`,
    );
  }
}
