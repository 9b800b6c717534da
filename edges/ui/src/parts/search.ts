import type { App } from "../app.ts";
import { routeOfPath } from "../state/route.ts";
import type { View } from "./views.ts";

/** Something that the search box found. */
export interface Hit {
  readonly title: string;
  readonly small: string;
  readonly href?: string;
  readonly act?: () => void;
}

const most = 12;

function scoreOf(text: string, query: string): number {
  const at = text.toLowerCase().indexOf(query);
  return at < 0 ? -1 : at === 0 ? 2 : 1;
}

/** Names below a directory that begin as the query does. */
async function pathHits(app: App, query: string): Promise<readonly Hit[]> {
  const cut = query.lastIndexOf("/");
  const dir = cut <= 0 ? "/" : query.slice(0, cut);
  const begun = query.slice(cut + 1);
  try {
    const { entries } = await app.api.page(app.pathAt(dir));
    const found = entries.filter(({ name }) => name.startsWith(begun)).slice(0, most);
    return found.map(({ name, kind }) => {
      const path = `${dir === "/" ? "" : dir}/${name}`;
      return { title: path, small: kind === "dir" ? "directory" : "file", href: routeOfPath(path) };
    });
  } catch {
    return [];
  }
}

/** Everything that a query may mean: a path, a machine, a job, a refusal, a view, or something to do. */
export async function search(
  app: App,
  query: string,
  views: readonly View[],
  acts: readonly Hit[],
): Promise<readonly Hit[]> {
  const wanted = query.trim().toLowerCase();
  if (wanted.startsWith("/")) return pathHits(app, query.trim());
  const { machines, jobs, refusals } = app.hive;
  const scored: { readonly score: number; readonly hit: Hit }[] = [];
  const offer = (text: string, hit: Hit, bonus = 0) => {
    const score = wanted === "" ? 0 : scoreOf(text, wanted);
    if (score >= 0) scored.push({ score: score + bonus, hit });
  };
  for (const { name, title, doc } of views)
    offer(`${title} ${name}`, { title, small: doc, href: app.href(name) }, 0.5);
  for (const act of acts) offer(act.title, act, 0.4);
  if (wanted !== "") {
    for (const { id, state, site, class: kind } of machines.values())
      offer(`${id} ${site} ${state} ${kind}`, {
        title: id,
        small: `machine · ${state}`,
        href: app.href("machines", id),
      });
    for (const { id, state, worker } of [...jobs.values()].reverse())
      offer(`${id} ${state} ${worker}`, {
        title: `Job ${id}`,
        small: worker === "" ? state : `${state} · ${worker}`,
        href: app.href("jobs", id),
      });
    for (const { code, message, seq } of [...refusals.all].reverse().slice(0, 50))
      offer(
        `${code} ${message}`,
        { title: message, small: code, href: app.href("audit", String(seq)) },
        -0.5,
      );
  }
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, most)
    .map(({ hit }) => hit);
}
