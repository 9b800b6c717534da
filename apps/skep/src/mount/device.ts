import { read, writevSync } from "node:fs";
import type { Channel } from "@skep/fuse";
import { hasCode } from "../client/files.ts";

/**
 * An open /dev/fuse. One read is under way at a time, on one of the four threads that Node has for files, so that the
 * others stay free; it ends when the file system is unmounted, and only then.
 */
export function openDevice(fd: number, maxWrite: number): Channel {
  const size = maxWrite + 4096;
  let over = false;
  const room = Buffer.allocUnsafeSlow(size);
  const readOnce = (): Promise<Uint8Array> =>
    new Promise((resolve, reject) => {
      read(fd, room, 0, size, null, (error, count) => {
        if (error) reject(error);
        else resolve(Buffer.from(room.subarray(0, count)));
      });
    });
  // The next request, or nothing at the end. ENOENT: what was to be read was taken back by whoever asked.
  const readNext = async (): Promise<Uint8Array | undefined> => {
    try {
      return await readOnce();
    } catch (thrown) {
      if (hasCode(thrown, "EINTR", "EAGAIN", "ENOENT")) return await readNext();
      if (hasCode(thrown, "ENODEV", "ECONNABORTED")) return undefined;
      throw thrown;
    }
  };
  return {
    async read() {
      const bytes = over ? undefined : await readNext();
      over = bytes === undefined;
      return bytes;
    },
    write(...parts) {
      if (over) return false;
      try {
        writevSync(fd, parts);
        return true;
      } catch (thrown) {
        // ENOENT: nobody waits for this answer any more. ENODEV: the next read says so too.
        if (hasCode(thrown, "ENOENT", "ENODEV", "ECONNABORTED")) return false;
        throw thrown;
      }
    },
  };
}
