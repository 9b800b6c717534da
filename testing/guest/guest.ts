import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guestImage, guestTools } from "./image.ts";
import { initramfs } from "./initramfs.ts";

/** What one step of a script printed, and how it ended. */
export interface Step {
  readonly output: string;
  readonly code: number;
}

/** What a guest is to do. */
export interface GuestTask {
  /** A busybox shell script, run by root; `step NAME COMMAND…` runs a command and tells its output and code. */
  readonly script: string;
  /** Numeric user of `bee`, 1000 by default; `wasp` is another one. */
  readonly uid?: number;
  /** More files of the guest, by absolute path: scripts for other users, for instance. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** Milliseconds after which the machine is switched off; 120,000 by default. */
  readonly within?: number;
  /** Hears every line of the console. */
  readonly heard?: (line: string) => void;
}

/** What came of it. */
export interface GuestResult {
  readonly steps: ReadonlyMap<string, Step>;
  /** The whole console, for a test that fails. */
  readonly console: string;
}

/** The address under which the guest reaches this machine's loopback. */
export const guestHost = "10.0.2.2";

const init = `#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
for module in $(cat /modules/order); do insmod /modules/$module.ko || echo "@@ no module $module"; done
ifconfig lo up
ifconfig eth0 10.0.2.15 netmask 255.255.255.0 up
. /etc/profile
. /script
poweroff -f
`;

// A step's output is what it printed, both streams; a marker on a line of its own tells where it ends.
const profile = `export PATH=/bin
step() {
  name=$1; shift
  echo "@@ step $name"
  "$@" 2>&1
  code=$?
  echo; echo "@@ done $name $code"
}
`;

const users = (uid: number) =>
  `root:x:0:0::/:/bin/sh\nbee:x:${uid}:${uid}::/:/bin/sh\nwasp:x:${uid + 1}:${uid + 1}::/:/bin/sh\n`;
const groups = (uid: number) => `root:x:0:\nbee:x:${uid}:\nwasp:x:${uid + 1}:\n`;

function archive(task: GuestTask): { readonly kernel: string; readonly bytes: Buffer } {
  const image = guestImage();
  const { uid = 1000 } = task;
  const file = (name: string, content: string | Uint8Array, mode = 0o755) => {
    return { name, mode, bytes: Buffer.from(content) };
  };
  const more = Object.entries(task.files ?? {}).map(([path, text]) => file(path.slice(1), text));
  const bytes = initramfs(
    [
      { name: "bin/busybox", mode: 0o755, bytes: guestTools() },
      file("init", init),
      file("script", task.script),
      file("etc/profile", profile, 0o644),
      file("etc/passwd", users(uid), 0o644),
      file("etc/group", groups(uid), 0o644),
      file("modules/order", image.modules.map(({ name }) => name).join("\n"), 0o644),
      ...image.modules.map((one) => ({ name: `modules/${one.name}.ko`, mode: 0o644, bytes: one.bytes })),
      ...more,
    ],
    ["proc", "sys", "dev", "mnt", "tmp"],
  );
  return { kernel: image.kernel, bytes };
}

function stepsOf(console: string): Map<string, Step> {
  const steps = new Map<string, Step>();
  const form = /^@@ step (\S+)\n([\s\S]*?)\n?^@@ done \1 (\d+)$/gm;
  for (const [, name = "", output = "", code] of console.matchAll(form))
    steps.set(name, { output: output.replace(/\n$/, ""), code: Number(code) });
  return steps;
}

/** Listens to the console; the kernel's own lines stay in it. */
class Console {
  text = "";
  #line = "";
  readonly #heard: ((line: string) => void) | undefined;

  constructor(heard: ((line: string) => void) | undefined) {
    this.#heard = heard;
  }

  add(chunk: string): void {
    const clean = chunk.replaceAll("\r", "");
    this.text += clean;
    const lines = (this.#line + clean).split("\n");
    this.#line = lines.pop() ?? "";
    for (const line of lines) this.#heard?.(line);
  }
}

/**
 * Boots Debian's kernel with busybox in qemu (TCG: no KVM is asked for), runs the script and resolves when the guest
 * has switched itself off. Throws when it did not in time.
 */
export async function runGuest(task: GuestTask): Promise<GuestResult> {
  const work = mkdtempSync(join(tmpdir(), "skep-guest-"));
  try {
    const { kernel, bytes } = archive(task);
    const initrd = join(work, "initrd");
    writeFileSync(initrd, bytes);
    const heard = new Console(task.heard);
    const machine = ["-accel", "tcg", "-m", "256", "-no-reboot", "-nodefaults", "-display", "none"];
    const net = ["-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net,romfile=,ioeventfd=off"];
    const boot = [
      "-kernel",
      kernel,
      "-initrd",
      initrd,
      "-append",
      "console=ttyS0 quiet panic=-1 mitigations=off nokaslr",
    ];
    const child = spawn("qemu-system-x86_64", [...machine, "-serial", "stdio", ...net, ...boot], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout: task.within ?? 120_000,
      killSignal: "SIGKILL",
    });
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => heard.add(chunk));
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => heard.add(chunk));
    const signal = await new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (_code, by) => resolve(by));
    });
    if (signal) throw new Error(`The guest did not end in time; its console:\n${heard.text}`);
    return { steps: stepsOf(heard.text), console: heard.text };
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
