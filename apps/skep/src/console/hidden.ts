import type { ConsoleSession } from "@skep/edge-console";
import { faults } from "@skep/fault";

const fault = faults("console", {
  hidden: [
    "absent",
    "Cannot find a path that clients of the original do not have",
    { detail: "invalid-path" },
  ],
});

/** Sessions that do not find these paths: what a hive has and the one that its clients know has not. */
export function hiding(paths: readonly string[]): (session: ConsoleSession) => ConsoleSession {
  if (paths.length === 0) return (session) => session;
  const isHidden = (path: string): boolean =>
    paths.some((each) => path === each || path.startsWith(`${each}/`));
  return (session) => ({
    close: (how) => session.close(how),
    open: async (path, mode) => {
      if (isHidden(path)) throw fault.hidden(path);
      const handle = await session.open(path, mode);
      if (mode !== "list") return handle;
      const below = (name: string): string => `${path === "/" ? "" : path}/${name}`;
      return { ...handle, list: async () => (await handle.list()).filter((name) => !isHidden(below(name))) };
    },
  });
}
