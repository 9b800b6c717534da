import { readlinkSync, renameSync, rmSync, symlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { hasCode, syncDirectory } from "../client/files.ts";

/** Last step of what a link leads to; empty where there is none. */
export function ledTo(link: string): string {
  try {
    return basename(readlinkSync(link));
  } catch (thrown) {
    if (hasCode(thrown, "ENOENT")) return "";
    throw thrown;
  }
}

/** Lets a link lead elsewhere, or nowhere, by one rename; `step` is told of each step, a test cuts the power there. */
export function pointLink(link: string, to: string | undefined, step: (name: string) => void): void {
  if (to === undefined) rmSync(link, { force: true });
  else {
    rmSync(`${link}.new`, { force: true });
    symlinkSync(to, `${link}.new`);
    step("link made");
    renameSync(`${link}.new`, link);
  }
  syncDirectory(dirname(link));
  step("link switched");
}
