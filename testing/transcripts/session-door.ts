import type { Session } from "@skep/kernel";
import type { Door } from "./door.ts";

/** The kernel itself, which all edges must answer like. */
export function sessionDoor(session: Session): Door {
  return {
    edge: "session",
    ls: async (path) => (await session.list(await session.find(path))).map(({ name }) => name),
    read: (path) => session.read(path),
    write: async (path, bytes) => {
      const handle = await session.open(await session.find(path), { read: false, write: true });
      try {
        return { taken: await handle.write(0, bytes) };
      } finally {
        await handle.close();
      }
    },
    close: async () => session.close(),
  };
}
