export { ModbusClient, type ModbusOptions, type Wire } from "./client.ts";
export { crc16 } from "./crc.ts";
export { framings, type Framing } from "./framing.ts";
export {
  decodeReply,
  encodeRequest,
  exceptionName,
  type Reply,
  type Request,
  type Table,
  tables,
} from "./pdu.ts";
export {
  decodeValue,
  encodeValue,
  type NumberType,
  numberTypes,
  registersOf,
  type WordOrder,
} from "./values.ts";
