import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { isBuilt, pageDir } from "./build.ts";

/** The page as a server needs it. */
export interface Page {
  /** Where its files are, once they are there. */
  readonly dir: string;
  /** Ends when the page is there; rejects with the reason why it could not be built. Many may ask, one builds. */
  ready(): Promise<string>;
}

/** The page, built when it is first asked for: in another process, so that a daemon keeps its pace and its memory. */
export function openPage(): Page {
  const dir = pageDir();
  let building: Promise<string> | undefined;
  return {
    dir,
    ready() {
      if (isBuilt(dir)) return Promise.resolve(dir);
      building ??= buildApart().finally(() => {
        building = undefined;
      });
      return building;
    },
  };
}

function buildApart(): Promise<string> {
  const program = fileURLToPath(new URL("build-main.ts", import.meta.url));
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", program], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const said: string[] = [];
    let wrong = "";
    child.stdout.on("data", (part: Buffer) => said.push(part.toString()));
    child.stderr.on("data", (part: Buffer) => {
      wrong = `${wrong}${part}`.slice(-2000);
    });
    child.on("error", failed);
    child.on("close", (code) => {
      if (code === 0) done(said.join("").trim());
      else failed(new Error(`Cannot build the page: ${wrong.trim()}`));
    });
  });
}
