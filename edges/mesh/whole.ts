import type { ConnectionEncrypter, MessageStream } from "@libp2p/interface";
import type { Libp2pOptions } from "libp2p";

/** How libp2p is given what encrypts. */
type Factory = NonNullable<Libp2pOptions["connectionEncrypters"]>[number];

/** What of a socket makes many small writes one. */
interface Corked {
  cork(): void;
  uncork(): void;
  readonly writableCorked: number;
}

/** Bytes of the longest message of Noise. */
const longest = 65_535;

// Length and content of a frame are two writes, and one message is often two frames; each would be a call of the system and a packet.
function together(connection: MessageStream): MessageStream {
  const { socket } = connection as { socket?: Corked };
  if (!socket?.cork) return connection;
  const send = connection.send.bind(connection);
  return Object.assign(connection, {
    send: (data: Parameters<typeof send>[0]) => {
      if (socket.writableCorked === 0) {
        socket.cork();
        // After all promises that are due now, some of which send more.
        queueMicrotask(() => process.nextTick(() => socket.uncork()));
      }
      return send(data);
    },
  });
}

/** What of an encrypted connection reads how long a message is. */
interface Decoding {
  readonly decoder?: {
    lengthDecoder: (bytes: { readonly length: number; getUint16(at: number): number }) => number;
  };
}

// The library ends each packet with an error that it throws and catches, whose trace costs more than its decryption.
function calm<T extends { readonly connection: MessageStream }>(secured: T): T {
  const { decoder } = secured.connection as Decoding;
  // Where there is no length yet, one that cannot be there yet either: both wait for more.
  if (decoder) decoder.lengthDecoder = (bytes) => (bytes.length < 2 ? longest : bytes.getUint16(0));
  return secured;
}

/**
 * The encryption, with what it writes in one turn of the loop sent as one, and without what it spends where a packet
 * ends.
 */
export function whole(factory: Factory): Factory {
  return (components) => {
    const made: ConnectionEncrypter = factory(components);
    const { secureInbound, secureOutbound } = made;
    return Object.assign(made, {
      secureInbound: (async (connection, options) =>
        calm(await secureInbound.call(made, together(connection), options))) as typeof secureInbound,
      secureOutbound: (async (connection, options) =>
        calm(await secureOutbound.call(made, together(connection), options))) as typeof secureOutbound,
    });
  };
}
