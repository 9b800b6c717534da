export { clientLine } from "./client-line.ts";
export {
  type BareVerb,
  type Command,
  LineFault,
  longEcho,
  parseAuth,
  parseCommand,
  printCommand,
} from "./command.ts";
export { encodeFrame, type FrameEvent, FrameReader, frameCap } from "./frame.ts";
export { consoleLimits, type Limits } from "./limits.ts";
export { printRefusal, refusalOf } from "./refusal.ts";
export {
  detailCap,
  type ErrReply,
  fieldOf,
  guardLine,
  type OkReply,
  parseReply,
  printErr,
  printOk,
  type Reply,
  unguardLine,
} from "./reply.ts";
export { runScript, type ScriptResult, type ScriptTransport } from "./run-script.ts";
export { parseScript, type Statement } from "./script.ts";
export { summarize } from "./summary.ts";
export { ackOf, type Verb, verbOf, verbs, worksEarly } from "./verbs.ts";
