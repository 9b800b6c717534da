/** A word for a shell, quoted where it needs to be. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

/** What a mount is made of. */
export interface MountPlan {
  readonly socket: string;
  readonly dir: string;
  /** Only this user gets through; the files report it as their owner. */
  readonly uid: number;
  readonly msize: number;
}

/** The arguments of mount(8). No ticket stands in them: everyone can read the options in /proc/mounts. */
export function mountArguments({ socket, dir, uid, msize }: MountPlan): readonly string[] {
  const options = [
    "trans=unix",
    "version=9p2000.L",
    `access=${uid}`,
    "uname=skep",
    `msize=${msize}`,
    "cache=none",
    "nosuid",
    "nodev",
    "noexec",
  ];
  return ["-t", "9p", "-o", options.join(","), socket, dir];
}

/** The whole line, as it can be pasted. */
export function mountLine(plan: MountPlan): string {
  return ["mount", ...mountArguments(plan)].map(shellWord).join(" ");
}
