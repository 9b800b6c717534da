import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

async function replace(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  // One name, which the next one takes over: what a crash leaves half written is no second file with tickets in it.
  const draft = `${path}.new`;
  try {
    await using file = await open(draft, "w", 0o600);
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
    await rename(draft, path);
    await using dir = await open(dirname(path), "r");
    await dir.sync();
  } catch (thrown) {
    await rm(draft, { force: true });
    throw thrown;
  }
}

/**
 * Replaces a file as a whole (0600) each time it is called, one after the other, and keeps no loop waiting for the
 * disk. Ends when a text at least as new is durable; what came while one was written is written once, the newest.
 */
export function replacing(path: string): (text: string) => Promise<void> {
  let newest = "";
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return (text) => {
    newest = text;
    next ??= last.then(write, write);
    return next;
  };

  function write(): Promise<void> {
    next = undefined;
    last = replace(path, newest);
    return last;
  }
}
