import { existsSync } from "node:fs";
import type { Bind } from "./libraries.ts";

const nobody = 65_534;

/** Paths of the tools that are installed. */
export interface Tools {
  readonly bwrap: string | undefined;
  readonly setpriv: string | undefined;
  readonly unshare: string | undefined;
}

/** Whom a command is started as. */
export interface Who {
  readonly uid?: number;
  readonly gid?: number;
}

/** One arrangement of layers. */
export interface Attempt {
  /** Whom the first word is started as, by this program: a tool less than if another became that. */
  readonly who: Who;
  /** Command words before Node's own. */
  readonly prefix: readonly string[];
  /** Node's path as the last word of the prefix sees it. */
  readonly node: string;
  readonly layers: readonly string[];
  /** Whether the prefix writes the process id to descriptor 3. */
  readonly tellsPid: boolean;
}

interface User {
  readonly words: readonly string[];
  readonly layers: readonly string[];
}

/** The ways to be as little as possible, the tightest first. */
function users(setpriv: string | undefined, root: boolean): User[] {
  const nothing: User = { words: [], layers: [] };
  if (!setpriv) return [nothing];
  const change = ["--reuid", `${nobody}`, "--regid", `${nobody}`, "--clear-groups"];
  const rest = ["--no-new-privs", "--pdeathsig", "KILL"];
  const layers = ["no-new-privileges", "parent-death-signal"];
  const same: User = { words: [setpriv, ...rest], layers };
  if (!root) return [same, nothing];
  return [
    { words: [setpriv, ...change, ...rest], layers: ["unprivileged-user", ...layers] },
    { words: [setpriv, "--inh-caps=-all", "--bounding-set=-all", ...rest], layers },
    nothing,
  ];
}

function bubblewrapWords(tool: string, binds: readonly Bind[]): string[] {
  return [
    tool,
    ...["--unshare-all", "--die-with-parent", "--as-pid-1", "--cap-drop", "ALL", "--clearenv"],
    ...["--info-fd", "3"],
    ...binds.flatMap(({ from, to }) => ["--ro-bind", from, to]),
    ...["--remount-ro", "/", "--chdir", "/"],
  ];
}

function wholeLibraries(): Bind[] {
  const dirs = ["/lib", "/lib64", "/usr/lib", "/usr/lib64"].filter((dir) => existsSync(dir));
  return dirs.map((dir) => ({ from: dir, to: dir }));
}

/** Bubblewrap itself forbids new privileges and ends with its parent. */
function wrapped(bwrap: string, program: string, binds: readonly Bind[] | undefined, who: Who): Attempt[] {
  const layers = ["bubblewrap", "network-namespace", "no-new-privileges", "parent-death-signal"];
  return (binds ? [binds, wholeLibraries()] : [wholeLibraries()]).map((libraries) => ({
    who,
    prefix: bubblewrapWords(bwrap, [{ from: program, to: "/node" }, ...libraries]),
    node: "/node",
    layers: who.uid === undefined ? layers : [...layers, "unprivileged-user"],
    tellsPid: true,
  }));
}

/** Every arrangement worth trying, the tightest first; the last one is Node alone. */
export function attempts(tools: Tools, program: string, binds: readonly Bind[] | undefined): Attempt[] {
  const root = process.getuid?.() === 0;
  const all = users(tools.setpriv, root);
  const { bwrap, unshare } = tools;
  const whom: Who[] = root ? [{ uid: nobody, gid: nobody }, {}] : [{}];
  const found = bwrap ? whom.flatMap((who) => wrapped(bwrap, program, binds, who)) : [];
  const plain = { who: {}, node: program, tellsPid: false };
  const namespaces = [...(root ? [] : ["--user"]), "--net", "--ipc", "--uts"];
  if (unshare)
    for (const { words, layers } of all)
      found.push({
        ...plain,
        prefix: [unshare, ...namespaces, ...words],
        layers: ["network-namespace", ...layers],
      });
  for (const { words, layers } of all) found.push({ ...plain, prefix: words, layers });
  return found;
}
