export { type Datagram, decodeDatagram, encodeDatagram, mostBytes } from "./datagram.ts";
export {
  type GatewayStat,
  isSent,
  mostPackets,
  parseRate,
  type Rxpk,
  rateName,
  type Txpk,
  type TxpkAck,
} from "./packets.ts";
