import type { ServerResponse } from "node:http";
import type { Clock } from "@skep/clock";
import { type Fault, toFault } from "@skep/fault";
import { problemOf } from "../problem.ts";
import type { Feed, Message } from "./message.ts";

const heartbeat = 15_000;
const printed = new WeakMap<Message, Buffer>();

// The same bytes go to everybody who gets this message.
function bytesOf(message: Message): Buffer {
  const known = printed.get(message);
  if (known) return known;
  const { event, cursor, json } = message;
  const made = Buffer.from(`id: ${cursor}\nevent: ${event}\ndata: ${json}\n\n`);
  printed.set(message, made);
  return made;
}

/** Wakes one waiter; a wake that comes before the wait is not lost. */
class Bell {
  #rung = false;
  #wake: (() => void) | undefined;

  readonly ring = (): void => {
    this.#rung = true;
    this.#wake?.();
  };

  async wait(): Promise<void> {
    if (!this.#rung)
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    this.#rung = false;
    this.#wake = undefined;
  }
}

/** Streams a feed as server-sent events until it ends, the client leaves, or does not take what it is sent. */
export async function serveEvents(
  feed: Feed,
  response: ServerResponse,
  { clock, stall }: { readonly clock: Clock; readonly stall: number },
): Promise<void> {
  const bell = new Bell();
  let isOpen = true;
  let isBeating = false;
  const stop = feed.ready(bell.ring);
  response.once("close", () => {
    isOpen = false;
    bell.ring();
  });
  response.on("drain", bell.ring);
  let timer = beat();
  function beat() {
    return clock.after(heartbeat, () => {
      isBeating = true;
      bell.ring();
      timer = beat();
    });
  }
  async function write(bytes: Buffer | string): Promise<void> {
    if (response.write(bytes)) return;
    const late = clock.after(stall, () => response.destroy());
    while (isOpen && response.writableNeedDrain) await bell.wait();
    late.stop();
    bell.ring();
  }
  try {
    await write("retry: 1000\n\n");
    while (isOpen) {
      const message = await feed.take();
      if (message) await write(bytesOf(message));
      else if (isBeating) await write(":\n\n");
      else await bell.wait();
      isBeating = false;
      if (message?.event === "end") break;
    }
  } catch (thrown) {
    if (isOpen) response.write(refused(toFault(thrown)));
  } finally {
    timer.stop();
    stop();
    feed.close();
    response.end();
  }
}

function refused(fault: Fault): string {
  return `event: error\ndata: ${JSON.stringify(problemOf(fault))}\n\n`;
}
