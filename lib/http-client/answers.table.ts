// Made from the tree by `npm run docs`; not edited by hand.

/** Answer, as the interface of the hive describes it. */
export type Answer = {
  readonly id?: number;
  readonly verdict: "ok" | "refused" | "waiting";
  readonly result?: unknown;
};

/** ArmSession, as the interface of the hive describes it. */
export type ArmSession = { readonly minutes: number };

/** Description, as the interface of the hive describes it. */
export type Description = {
  readonly path: string;
  readonly kind: "dir" | "text" | "stream" | "control" | "value" | "blob";
  readonly doc: string;
  readonly right?: string;
  readonly undo?: "reversible" | "compensable" | "irreversible";
  readonly schema?: Readonly<Record<string, unknown>>;
  readonly examples?: ReadonlyArray<unknown>;
};

/** EchoBatchBody, as the interface of the hive describes it. */
export type EchoBatchBody = {
  readonly items: ReadonlyArray<{ readonly path: string; readonly line: string }>;
  readonly continue?: boolean;
};

/** EchoBody, as the interface of the hive describes it. */
export type EchoBody = { readonly path: string; readonly line: string };

/** Entry, as the interface of the hive describes it. */
export type Entry = {
  readonly name: string;
  readonly kind: "dir" | "file";
  readonly append: boolean;
  readonly href: string;
};

/** FsReply, as the interface of the hive describes it. */
export type FsReply = {
  readonly status: "OK" | "ERR";
  readonly verb: string;
  readonly path: string;
  readonly end: boolean;
  readonly lines: ReadonlyArray<string>;
  readonly bytes: number;
  readonly error?: string;
  readonly why?: string;
  readonly code?: string;
  readonly next?: string;
  readonly id?: number;
  readonly result?: unknown;
};

/** Listing, as the interface of the hive describes it. */
export type Listing = {
  readonly path: string;
  readonly kind: "dir";
  readonly doc: string;
  readonly entries: ReadonlyArray<Entry>;
  readonly next?: string;
};

/** OpenSession, as the interface of the hive describes it. */
export type OpenSession = { readonly code: string; readonly key: { readonly x: string; readonly y: string } };

/** Problem, as the interface of the hive describes it. */
export type Problem = {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly kind: string;
  readonly reason: "busy" | "quota" | "cut" | "policy";
  readonly next?: string;
};

/** Stored, as the interface of the hive describes it. */
export type Stored = { readonly path: string; readonly size?: number; readonly stored?: boolean };
