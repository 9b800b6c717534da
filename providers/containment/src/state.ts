import { emitter, type EventMeta, type Scope, type Table } from "@skep/kernel";

/** Something that is kept from acting, or from being run. */
export type Ban = {
  readonly op: string;
  /** What it is on: `module:<digest>`, `class:wasm`, `subject:ann`, `worker:w-…`, `ticket:…`, `node:…`, `drain:…`. */
  readonly target: string;
  readonly reason: string;
  /** Who banned it: its owner. */
  readonly by: string;
  /** Hive time, milliseconds. */
  readonly at: number;
  readonly until: number;
};

/** Bans that may stand at once. */
export const mostBans = 1024;

/** The slice. Bound: `mostBans`. */
export interface Containment {
  /** By the sequence of the record that made it. */
  readonly bans: Table<Ban>;
  /** Ban by what it is on. */
  readonly targets: Table<string>;
}

export const initial = (scope: Scope): Containment => ({
  bans: scope.table("bans"),
  targets: scope.table("targets"),
});

export type Banned = { readonly ban: string } & Pick<Ban, "op" | "target" | "reason" | "until">;
export type Lifted = { readonly bans: readonly string[]; readonly why: string };

export const events = {
  "banned@1": ({ bans, targets }: Containment, { ban, ...data }: Banned, { subject, time }: EventMeta) => {
    bans.set(ban, { ...data, by: subject, at: time });
    targets.set(data.target, ban);
  },
  "lifted@1": ({ bans, targets }: Containment, { bans: ids }: Lifted) => {
    for (const id of ids) {
      const ban = bans.get(id);
      bans.delete(id);
      if (ban && targets.get(ban.target) === id) targets.delete(ban.target);
    }
  },
} as const;

export const emit = emitter(events);
