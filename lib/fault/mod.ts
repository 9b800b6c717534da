export { Fault, type FaultExtra, faults, kindOfErrno, toFault } from "./fault.ts";
export { type FaultKind, type Kind, kinds } from "./kinds.ts";
