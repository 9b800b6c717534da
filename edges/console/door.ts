import { type Fault, faults } from "@skep/fault";
import { limits, parsePath, type Session } from "@skep/kernel";
import { type Awaitable, type ConsoleHandle, type ConsoleSession, then } from "./session.ts";

const fault = faults("console", {
  follow: ["unsupported", "Cannot follow a stream on the console", { cure: "Repeat TAIL without `.follow`" }],
});

/** Why a console follows no stream: its read waits for what is yet to come, and a console answers what is there. */
export const cannotFollow = (path: string): Fault => fault.follow(path);

type Found = Session["root"];
type Mode = Parameters<ConsoleSession["open"]>[1];

/** What a path leads to, without a promise where every step answers at once. */
function find(session: Session, path: string): Awaitable<Found> {
  let found: Awaitable<Found> = session.root;
  for (const name of parsePath(path, limits)) found = then(found, (at) => session.walk(at, name));
  return found;
}

function directory(session: Session, found: Found): ConsoleHandle {
  return {
    kind: "dir",
    list: async () => (await session.list(found)).map(({ name }) => name),
    read: () => new Uint8Array(0),
    append: () => 0,
    close: () => undefined,
  };
}

function file(session: Session, found: Found, mode: Mode): Awaitable<ConsoleHandle> {
  const { kind } = found.place.node;
  if (found.place.facet === "follow") throw cannotFollow(found.path);
  const isStream = kind === "stream" && found.place.facet === "plain";
  const opened = session.open(found, { read: mode === "read", write: mode === "append" });
  return then(opened, (handle) =>
    then(isStream ? session.stat(found) : undefined, (stat) => ({
      kind: kind === "each" || kind === "subtree" ? "dir" : kind,
      size: stat?.size,
      // While the handle is open its anchor is what file offset 0 stands for.
      base: isStream ? session.anchors.get(found.path)?.at : undefined,
      list: async () => (await session.list(found)).map(({ name }) => name),
      read: (offset: number, count: number) => handle.read(offset, count),
      append: (bytes: Uint8Array) => handle.write(0, bytes),
      close: () => handle.close(),
    })),
  );
}

/**
 * A kernel session as the console uses it. Opens begin in the order in which they were asked for, each after the one
 * before it came through, so that pipelined lines are judged in their order.
 */
export function doorOf(session: Session): ConsoleSession {
  let last: Promise<unknown> | undefined;
  function ordered<T>(act: () => Awaitable<T>): Awaitable<T> {
    const result = last ? last.then(act) : act();
    if (!(result instanceof Promise)) return result;
    const passed = result.then(
      () => undefined,
      () => undefined,
    );
    const mine = passed.finally(() => {
      if (last === mine) last = undefined;
    });
    last = mine;
    return result;
  }
  return {
    open: (path, mode) =>
      ordered(() =>
        then(find(session, path), (found) =>
          mode === "list" ? directory(session, found) : file(session, found, mode),
        ),
      ),
    close: (how) => session.close(how === "lost" ? "connection lost" : how),
  };
}
