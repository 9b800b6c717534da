import type { Client } from "@skep/ninep";
import type { Door } from "./door.ts";

/** A 9P client that is attached. */
export function ninepDoor(client: Client): Door {
  return {
    edge: "9p",
    ls: async (path) => (await client.readdir(path)).map(({ name }) => name),
    read: (path) => client.readAll(path),
    write: async (path, bytes) => {
      await using file = await client.open(path, "append");
      return { taken: await file.write(bytes) };
    },
    close: () => client.close(),
  };
}
