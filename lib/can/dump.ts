import { faults } from "@skep/fault";
import { type CanFrame, checkFrame } from "./frame.ts";

const fault = faults("can", {
  line: ["corrupt", "Cannot read line of a CAN log"],
});

/** A frame with its place and time. */
export interface Dumped {
  /** Microseconds since 1970. */
  readonly at: number;
  /** The interface. */
  readonly bus: string;
  readonly frame: CanFrame;
  /** Whether this machine sent it, where `candump -x` tells so. */
  readonly sent?: boolean;
}

const line =
  /^\((\d{1,10})\.(\d{6})\)\s+(\S{1,16})\s+([0-9A-F]{3}|[0-9A-F]{8})#(\S*)(?:\s+([RT])(?:\s.*)?)?$/i;

function body(text: string): Pick<CanFrame, "fd" | "remote" | "data"> {
  if (/^R[0-9]?$/i.test(text)) return { fd: false, remote: true, data: new Uint8Array(0) };
  const [, flags, hex = ""] = /^(?:#([0-9A-F]))?((?:[0-9A-F]{2})*)$/i.exec(text) ?? [];
  if (hex === "" && text !== "" && flags === undefined) throw fault.line(text);
  const fd = flags === undefined ? false : { flags: Number.parseInt(flags, 16) & 3 };
  return { fd, remote: false, data: Uint8Array.from(Buffer.from(hex, "hex")) };
}

/** Reads a line as `candump -L` prints it. Throws `can.line`, `can.frame`. */
export function parseDumpLine(text: string): Dumped {
  const [, seconds = "", micros = "", bus = "", id = "", rest = "", way] = line.exec(text.trim()) ?? [];
  if (bus === "") throw fault.line(text.slice(0, 100));
  const word = Number.parseInt(id, 16);
  // candump prints frames of errors with their flag, in eight digits.
  const error = id.length === 8 && (word & 0x2000_0000) !== 0;
  const extended = id.length === 8 && !error;
  const frame: CanFrame = { id: word & 0x1fff_ffff, extended, error, ...body(rest) };
  checkFrame(frame);
  const sent = way === undefined ? {} : { sent: way.toUpperCase() === "T" };
  return { at: Number(seconds) * 1_000_000 + Number(micros), bus, frame, ...sent };
}

/** Writes such a line. Throws `can.frame`. */
export function printDumpLine({ at, bus, frame, sent }: Dumped): string {
  checkFrame(frame);
  const { id, extended, error, remote, fd, data } = frame;
  const word = error ? id + 0x2000_0000 : id;
  const name = word
    .toString(16)
    .toUpperCase()
    .padStart(extended || error ? 8 : 3, "0");
  const hex = remote ? "R" : Buffer.from(data).toString("hex").toUpperCase();
  const flags = fd ? `#${fd.flags.toString(16).toUpperCase()}` : "";
  const seconds = Math.floor(at / 1_000_000);
  const time = `${String(seconds).padStart(10, "0")}.${String(at % 1_000_000).padStart(6, "0")}`;
  return `(${time}) ${bus} ${name}#${flags}${hex}${sent === undefined ? "" : sent ? " T" : " R"}`;
}
