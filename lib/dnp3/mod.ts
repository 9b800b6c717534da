export {
  type Block,
  decodeResponse,
  encodeConfirm,
  encodeRead,
  type Indications,
  type ReadHeader,
  type Response,
} from "./application.ts";
export {
  type Control,
  type ControlAnswer,
  type ControlStep,
  type CrobCode,
  decodeControlAnswer,
  encodeControl,
} from "./control.ts";
export { crcDnp } from "./crc.ts";
export { LinkDeframer, type LinkFrame, linkFrame } from "./link.ts";
export { Dnp3Master, type MasterOptions, type Wire } from "./master.ts";
export type { PointKind, Point } from "./objects.ts";
export { Reassembler, segments } from "./transport.ts";
