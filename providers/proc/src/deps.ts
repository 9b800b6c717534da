import type { KernelSlice } from "@skep/kernel";

/** What is told of a session; a kernel's `Session` fits. */
export interface ProcSession {
  readonly id: string;
  readonly state: string;
  readonly subject: string;
  readonly caller: { readonly role: string };
  readonly edge: string;
  /** Hive time of the attach, milliseconds since 1970. */
  readonly since: number;
  /** Its last answers, newest last. */
  readonly answers: readonly object[];
  /** Places of its own, in the order in which they were bound. */
  readonly ns?: readonly { readonly from: string; readonly to: string; readonly service?: string }[];
  /** What was refused last over an edge that tells no more than a number. */
  readonly refusal: object | undefined;
}

/** How long pieces of work held the event loop, milliseconds. */
export interface LoopFigures {
  /** Looks at the loop in the window, of five seconds at most, that the percentiles are of. */
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  /** Since the hive was ready. */
  readonly max: number;
  /** Of the last five to ten seconds. */
  readonly recentMax: number;
  /** The same without the time that other threads and programs had the processor; 0 while there is little to do. */
  readonly recentOwn: number;
}

/** Live figures of the running program; all are asked for at each read. */
export interface ProcDeps {
  readonly version: string;
  /** Version of Node. */
  readonly node: string;
  /** What is on and where, such as `{ "9p": "127.0.0.1:5640" }`. */
  edges(): Readonly<Record<string, string>>;
  /** Hash of what the hive is configured to, and the profile of that; nothing where that is not known. */
  manifest?(): Readonly<Record<"manifest" | "profile", string>>;
  /** What an operator should know, one line each: secrets that everybody knows, say. */
  warnings(): readonly string[];
  sessions(): ReadonlyMap<string, ProcSession>;
  /** Refusals since the start by reason. */
  pressure(): Readonly<Record<"busy" | "quota" | "cut" | "policy", number>>;
  /** 9P requests that have no answer yet, and writes that were taken in part, since the start. */
  ninep(): { readonly outstanding: number; readonly shortWrites: number };
  /** Records that wait for the disk. */
  undurable(): number;
  loop(): LoopFigures;
}

/** Views of other slices that these files show. */
export interface Uses {
  readonly kernel: KernelSlice;
}
