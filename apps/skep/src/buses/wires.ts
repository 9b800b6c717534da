import { spawn } from "node:child_process";
import { constants, createWriteStream, openSync, type WriteStream } from "node:fs";
import { connect } from "node:net";
import { ReadStream } from "node:tty";
import type { Wire } from "@skep/modbus";
import { fault } from "./faults.ts";

/** Opens a TCP connection. Throws `bridge.device`. */
export function tcpWire(place: string, timeoutMs: number): Promise<Wire> {
  const [, host = "", port = ""] = /^\[?([^\]]+)\]?:(\d+)$/.exec(place) ?? [];
  return new Promise((done, failed) => {
    const socket = connect({ host, port: Number(port), noDelay: true, timeout: timeoutMs });
    const refuse = (cause?: Error): void => {
      socket.destroy();
      failed(fault.device(`${place}: ${cause?.message ?? `no answer within ${timeoutMs} ms`}`, { cause }));
    };
    socket.once("error", refuse);
    socket.once("timeout", refuse);
    socket.once("connect", () => {
      socket.off("error", refuse);
      // Its close is heard by whoever listens.
      socket.on("error", () => undefined);
      socket.setTimeout(0);
      socket.setKeepAlive(true, 10_000);
      done({
        send: (bytes) => void socket.write(bytes),
        listen: ({ bytes, end }) => {
          socket.on("data", bytes);
          socket.on("error", end);
          socket.once("close", () => end());
        },
        close: () => void socket.destroy(),
      });
    });
  });
}

/** A serial line as `stty` sets it: eight bits, raw. */
export interface SerialLine {
  readonly path: string;
  readonly baud: number;
  readonly parity: "none" | "even" | "odd";
}

const parities = { none: ["-parenb"], even: ["parenb", "-parodd"], odd: ["parenb", "parodd"] } as const;

function stty({ path, baud, parity }: SerialLine): Promise<void> {
  const words = ["-F", path, String(baud), "raw", "-echo", "cs8", "clocal", "cread", ...parities[parity]];
  // Without parity the specification has a second stop bit in its place.
  const child = spawn("stty", [...words, parity === "none" ? "cstopb" : "-cstopb"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (bytes: Buffer) => {
    said = (said + bytes.toString()).slice(0, 300);
  });
  return new Promise((done, failed) => {
    child.once("error", (cause) => failed(fault.serial(cause.message, { cause })));
    child.once("close", (code) => (code === 0 ? done() : failed(fault.serial(`${path}: ${said.trim()}`))));
  });
}

/** Opens a serial line. Throws `bridge.serial`, `bridge.device`. */
export async function serialWire(line: SerialLine): Promise<Wire> {
  await stty(line);
  let port: ReadStream;
  let output: WriteStream;
  try {
    // As a terminal it is waited for without a thread, and whoever closes it ends that at once.
    port = new ReadStream(openSync(line.path, constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK));
    output = createWriteStream(line.path, { flags: "r+" });
  } catch (cause) {
    throw fault.device((cause as Error).message, { cause });
  }
  return {
    send: (bytes) => void output.write(bytes),
    listen: ({ bytes, end }) => {
      port.on("data", (chunk: Buffer) => bytes(chunk));
      port.on("error", end);
      output.on("error", end);
      port.once("close", () => end());
    },
    close: () => {
      port.destroy();
      output.destroy();
    },
  };
}
