export { type Airtime, airtimeMs, type Modulation } from "./src/airtime.ts";
export {
  type BusAdapter,
  type LoraAdapter,
  type Mounted,
  mountNames,
  protocols,
  regions,
} from "./src/adapters.ts";
export { type BusesDeps, busesProvider } from "./src/buses.ts";
export { type Budget, counted, duty, earliest, type Slot } from "./src/duty.ts";
export { pointName } from "./src/schema.ts";
export type { Write, WriteState } from "./src/state.ts";
export type { BusSpool, OpenSpool } from "./src/traffic.ts";
