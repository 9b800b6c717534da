import type { Connection, Stream } from "@libp2p/interface";
import { Fault } from "@skep/fault";
import type { MeshStream } from "./contract.ts";
import { fault } from "./faults.ts";
import type { Links } from "./links.ts";

/** How streams of one protocol are served. */
export interface Serving {
  readonly protocol: string;
  readonly serve: (stream: MeshStream) => void | Promise<void>;
  /** Streams of one peer at a time. */
  readonly streams: number;
  readonly links: Links;
  readonly log: ((line: string) => void) | undefined;
}

/** What libp2p calls for each stream: the stream ends with its service, and is cut where the peer has too many. */
export function acceptor({ protocol, serve, streams, links, log }: Serving) {
  const counts = new Map<string, number>();
  return async (stream: Stream, connection: Connection): Promise<void> => {
    const link = links.opened(connection);
    const { peer } = link.far;
    const count = counts.get(peer) ?? 0;
    if (count >= streams) return stream.abort(fault.refused(peer));
    counts.set(peer, count + 1);
    const served = links.stream(stream, link, true);
    void served.closed.then(() => {
      const left = (counts.get(peer) ?? 1) - 1;
      if (left > 0) counts.set(peer, left);
      else counts.delete(peer);
    });
    try {
      await serve(served);
      await served.close();
    } catch (thrown) {
      served.abort(thrown);
      if (!(thrown instanceof Fault)) log?.(`mesh: ${protocol} from ${peer}: ${String(thrown)}`);
    }
  };
}
