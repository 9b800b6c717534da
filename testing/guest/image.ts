import { execFileSync, spawnSync } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { homedir, tmpdir } from "node:os";
import { basename, join } from "node:path";

// In the order in which they need each other (facts of the platform, §6).
const modules = [
  "virtio_ring",
  "virtio",
  "virtio_pci_modern_dev",
  "virtio_pci_legacy_dev",
  "virtio_pci",
  "failover",
  "net_failover",
  "virtio_net",
  "9pnet",
  "9pnet_fd",
  "netfs",
  "fscache",
  "9p",
];

/** A Linux that can be booted: its kernel, and its modules in loading order. */
export interface Image {
  readonly kernel: string;
  readonly modules: readonly { readonly name: string; readonly bytes: Uint8Array }[];
}

const qemu = "qemu-system-x86_64";
const busybox = "/bin/busybox";

function works(command: string, ...args: string[]): boolean {
  return spawnSync(command, args, { stdio: "ignore" }).status === 0;
}

/** Why no guest can run here, or false. */
export function guestLacks(): string | false {
  if (process.arch !== "x64") return "the guest is an x86-64 Debian";
  if (!works(qemu, "--version")) return "qemu-system-x86 is not installed";
  if (!existsSync(busybox) || !works(busybox, "true")) return "busybox-static is not installed";
  if (!works("dpkg-deb", "--version") || !works("apt-get", "--version"))
    return "no Debian packages can be had here";
  return false;
}

function cacheDirectory(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return join(base, "skep-test");
}

function packageName(): string {
  const told = execFileSync("apt-cache", ["depends", "linux-image-amd64"], { encoding: "utf8" });
  const name = /Depends: (linux-image-\S+-amd64)/.exec(told)?.[1];
  if (!name) throw new Error("apt knows no linux-image-amd64");
  return name;
}

function unpack(name: string, into: string): void {
  const work = mkdtempSync(join(tmpdir(), "skep-linux-"));
  try {
    execFileSync("apt-get", ["download", "-qq", name], { cwd: work, stdio: ["ignore", "ignore", "pipe"] });
    const file = readdirSync(work).find((one) => one.endsWith(".deb"));
    if (!file) throw new Error(`apt-get download gave no ${name}`);
    execFileSync("dpkg-deb", ["-x", file, "root"], { cwd: work });
    keep(join(work, "root"), into);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

// Without KVM the kernel takes ten seconds to unpack itself; unpacked once, qemu starts it by its PVH entry.
function unpacked(zipped: Buffer): Buffer | undefined {
  const at = ((zipped[0x1f1] ?? 0) + 1) * 512 + zipped.readUInt32LE(0x248);
  const payload = zipped.subarray(at, at + zipped.readUInt32LE(0x24c));
  const { stdout } = spawnSync("xz", ["-dc", "--single-stream"], { input: payload, maxBuffer: 1 << 28 });
  return stdout?.subarray(1, 4).toString() === "ELF" ? stdout : undefined;
}

function keep(root: string, into: string): void {
  const parts = `${into}.${process.pid}`;
  mkdirSync(parts, { recursive: true });
  const kernel = readdirSync(join(root, "boot")).find((one) => one.startsWith("vmlinuz-"));
  if (!kernel) throw new Error("the package holds no kernel");
  const zipped = readFileSync(join(root, "boot", kernel));
  writeFileSync(join(parts, "kernel"), unpacked(zipped) ?? zipped);
  const files = readdirSync(join(root, "lib/modules"), { recursive: true, encoding: "utf8" });
  for (const name of modules) {
    const path = files.find((one) => basename(one) === `${name}.ko`);
    if (!path) throw new Error(`the package holds no module ${name}`);
    copyFileSync(join(root, "lib/modules", path), join(parts, `${name}.ko`));
  }
  rmSync(into, { recursive: true, force: true });
  renameSync(parts, into);
}

/** The Debian kernel with v9fs: downloaded once, kept in the cache of the user. Throws when apt cannot give it. */
export function guestImage(): Image {
  const name = packageName();
  const at = join(cacheDirectory(), name);
  if (!existsSync(join(at, "kernel"))) unpack(name, at);
  return {
    kernel: join(at, "kernel"),
    modules: modules.map((one) => ({ name: one, bytes: readFileSync(join(at, `${one}.ko`)) })),
  };
}

/** The programs of the guest, all in one. */
export function guestTools(): Uint8Array {
  return readFileSync(busybox);
}
