import { type Facet, type Published, ThingName } from "@skep/provider-host";
import type { Thing } from "./provider.ts";

type Line = Omit<Published, "name"> & { readonly name?: string };

const mostNames = 2000;
const namesAtOnce = 200;
const mostText = 1024;

/** Fields as a hive takes them: one that is too long hides no other thing. */
function cut(fields: Thing["fields"]): Thing["fields"] {
  const pairs = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "string" ? value.slice(0, mostText) : value,
  ]);
  return Object.fromEntries(pairs);
}

/** Those that can be told of: what has no name of a directory cannot. */
const tellable = (things: readonly Thing[]): readonly Thing[] =>
  things.filter(({ name }) => ThingName.safeParse(name).success).slice(0, mostNames);

/** What the hive was told of one kind of things, and what it has yet to be told. */
export class Inventory {
  readonly #facet: Facet;
  readonly #everyMs: number;
  #names = new Set<string>();
  readonly #told = new Map<string, string>();

  constructor(facet: Facet, everyMs: number) {
    this.#facet = facet;
    this.#everyMs = everyMs;
  }

  /** On a new connection: names are kept by the hive, and nothing else. */
  reset(names: readonly string[]): void {
    this.#names = new Set(names);
    this.#told.clear();
  }

  /** Lines for `ctl` that bring its names up to date. */
  names(
    things: readonly Thing[],
  ): { readonly facet: Facet; readonly add: string[]; readonly remove: string[] }[] {
    const now = new Set(tellable(things).map(({ name }) => name));
    const add = [...now].filter((name) => !this.#names.has(name));
    const remove = [...this.#names].filter((name) => !now.has(name));
    const lines = [];
    // What goes makes room for what comes.
    for (let at = 0; at < remove.length; at += namesAtOnce)
      lines.push({ facet: this.#facet, add: [], remove: remove.slice(at, at + namesAtOnce) });
    for (let at = 0; at < add.length; at += namesAtOnce)
      lines.push({ facet: this.#facet, add: add.slice(at, at + namesAtOnce), remove: [] });
    return lines;
  }

  /** The hive has the names of these. */
  named(things: readonly Thing[]): void {
    this.#names = new Set(tellable(things).map(({ name }) => name));
  }

  /** Lines for `publish`: the facet itself each time, of its things what changed. */
  changes(things: readonly Thing[]): Line[] {
    const lines: Line[] = [
      { facet: this.#facet, state: "ok", every_ms: this.#everyMs, fields: { things: things.length } },
    ];
    const there = new Set<string>();
    for (const { name, state, reason, fields: all } of tellable(things)) {
      there.add(name);
      const fields = cut(all);
      const line = { facet: this.#facet, name, state, fields, ...(reason === undefined ? {} : { reason }) };
      const text = JSON.stringify(line);
      if (this.#told.get(name) === text) continue;
      this.#told.set(name, text);
      lines.push(line);
    }
    for (const name of [...this.#told.keys()].filter((one) => !there.has(one))) {
      this.#told.delete(name);
      lines.push({ facet: this.#facet, name, state: "gone", fields: {} });
    }
    return lines;
  }

  /** Nothing is known of it at the moment, and why. */
  unknown(reason: string): Line[] {
    this.#told.clear();
    const told = reason.slice(0, 256);
    return [{ facet: this.#facet, state: "unknown", reason: told, every_ms: this.#everyMs, fields: {} }];
  }
}
