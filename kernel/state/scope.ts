import { createHash } from "node:crypto";
import { canonical } from "@skep/canon";
import type { Json } from "../namespace/node.ts";
import { type Cell, DraftCell, type Drafting, DraftTable, type Table } from "./table.ts";

/** Where a provider declares the tables and cells of its slice, once, in `initial`. */
export interface Scope {
  table<V extends Json>(name: string): Table<V>;
  cell<V extends Json>(name: string, initial: V): Cell<V>;
}

/** One line of a snapshot: slice, member, key (null for a cell), value. */
export type Row = readonly [slice: string, member: string, key: string | null, value: Json];

type Member = { readonly table: Table<Json> } | { readonly cell: Cell<Json> };

/** All tables and cells of all slices, for snapshots and digests. */
export class State {
  readonly drafting: Drafting = { undo: undefined, waiting: [] };
  readonly #members = new Map<string, Map<string, Member>>();

  /** The scope of one slice; declaring a name twice is a mistake of the program. */
  scope(slice: string): Scope {
    const members = new Map<string, Member>();
    if (this.#members.has(slice)) throw new Error(`Slice ${slice} is declared twice`);
    this.#members.set(slice, members);
    const add = (name: string, member: Member): void => {
      if (members.has(name)) throw new Error(`${slice}.${name} is declared twice`);
      members.set(name, member);
    };
    return {
      table: <V extends Json>(name: string) => {
        const table = new DraftTable<V>(this.drafting);
        add(name, { table: table as unknown as Table<Json> });
        return table;
      },
      cell: <V extends Json>(name: string, initial: V) => {
        const cell = new DraftCell<V>(this.drafting, initial);
        add(name, { cell: cell as unknown as Cell<Json> });
        return cell;
      },
    };
  }

  /** Everything in state, slice by slice, in insertion order. */
  *rows(): Generator<Row> {
    for (const [slice, members] of this.#members)
      for (const [name, member] of members)
        if ("cell" in member) yield [slice, name, null, member.cell.get()];
        else for (const [key, value] of member.table.entries()) yield [slice, name, key, value];
  }

  /** Puts one row of a snapshot back; false when this program has no such member. */
  load([slice, name, key, value]: Row): boolean {
    const member = this.#members.get(slice)?.get(name);
    if (!member) return false;
    if ("cell" in member) member.cell.set(value);
    else if (key !== null) member.table.set(key, value);
    return true;
  }

  /** SHA-256 over the canonical rows in sorted order: equal states have equal digests. */
  digest(): string {
    const lines: string[] = [];
    for (const row of this.rows()) lines.push(canonical(row as Json));
    lines.sort();
    const hash = createHash("sha256");
    for (const line of lines) hash.update(line).update("\n");
    return hash.digest("hex");
  }
}
