export { parseDumpLine, printDumpLine, type Dumped } from "./dump.ts";
export { type CanFrame, decodeFrame, encodeFrame } from "./frame.ts";
export { type ByteOrder, decodeSignal, encodeSignal, type Signal } from "./signal.ts";
