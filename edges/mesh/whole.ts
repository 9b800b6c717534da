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

/** The encryption, with what it writes in one turn of the loop sent as one. */
export function whole(factory: Factory): Factory {
  return (components) => {
    const made: ConnectionEncrypter = factory(components);
    const { secureInbound, secureOutbound } = made;
    return Object.assign(made, {
      secureInbound: ((connection, options) =>
        secureInbound.call(made, together(connection), options)) as typeof secureInbound,
      secureOutbound: ((connection, options) =>
        secureOutbound.call(made, together(connection), options)) as typeof secureOutbound,
    });
  };
}
