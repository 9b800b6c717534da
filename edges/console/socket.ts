/** What the console needs of a connection; a `net.Socket` fits. */
export interface ConsoleSocket extends AsyncIterable<Uint8Array> {
  /** False when the caller is to wait for `drain`. */
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  destroy(): unknown;
  setNoDelay(on: boolean): unknown;
  readonly destroyed: boolean;
  on(event: "error", listener: (error: Error) => void): unknown;
  once(event: "drain" | "close", listener: () => void): unknown;
  removeListener(event: "drain" | "close", listener: () => void): unknown;
}

/** Resolves when the socket takes bytes again or is gone. */
export function drained(socket: ConsoleSocket): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.removeListener("drain", done);
      socket.removeListener("close", done);
      resolve();
    };
    socket.once("drain", done);
    socket.once("close", done);
    if (socket.destroyed) done();
  });
}
