export { builtins } from "./builtin.ts";
export {
  type ArgSpec,
  type ArgValue,
  type Command,
  type Context,
  command,
  type Danger,
  type Example,
  type FlagSpec,
  type FlagValue,
  type Question,
} from "./command.ts";
export { type Shell, shells } from "./completion/scripts.ts";
export { commandPage, type Page, programPage, usageLine } from "./help.ts";
/** The flags of every command, as values. */
export type { GlobalFlags } from "./globals.ts";
/** What a process is to the command line. */
export type { Io, Signal, Sink, Source } from "./io.ts";
export { createFakeIo, type FakeIo, type FakeIoOptions } from "./fake-io.ts";
export { jsonLine, type Out } from "./out.ts";
export { type ProcessLike, processIo } from "./process-io.ts";
export { type Completer, type Group, globalFlags, type Program, program } from "./program.ts";
/** Bars on stderr. */
export type { Progress, ProgressSpec } from "./progress.ts";
export { cleanUpLimit, runProgram } from "./run.ts";
export { type Part, type Tone, type Toned, toned } from "./style.ts";
export { type KindValues, parseDuration, parseSize, type Reading, type ValueKind } from "./values.ts";
