import { Fault } from "@skep/fault";

const prefix = "Cannot start: ";

/**
 * A fault of the journal in the words of somebody who only reads: the journal itself speaks to who starts a hive. Other
 * faults stay as they are.
 */
export function notAtStart(fault: Fault): Fault {
  if (!fault.code.startsWith("journal.") || !fault.message.startsWith(prefix)) return fault;
  const text = fault.message.slice(prefix.length);
  return new Fault(fault.kind, fault.code, text.charAt(0).toUpperCase() + text.slice(1), {
    cure: "Put the bytes back where you have them, or make a new home of a backup: `skep restore FILE --home NEW`",
    cause: fault.cause,
  });
}
