// Programs that we did not write and that judge us; installed where Debian packages can be.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { step } from "./step.ts";

const packages = [
  "diod",
  "bubblewrap",
  "qemu-system-x86",
  "busybox-static",
  "cpio",
  "strace",
  "clang",
  "lld",
  "wasi-libc",
  "libclang-rt-14-dev-wasm32",
  "php-cli",
  "openssh-client",
  "fuse3",
  "iproute2",
  "nftables",
  "dbus",
  "systemd",
  "podman",
  "crun",
  "chromium",
];

function missing(): string[] {
  return packages.filter((name) => {
    const asked = spawnSync("dpkg-query", ["-W", "-f=$" + "{db:Status-Status}", name], { encoding: "utf8" });
    return asked.stdout !== "installed";
  });
}

/** Installs what is missing when this is root on a machine with apt; otherwise the tests that need it say so. */
export async function installJudges(): Promise<void> {
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get") || process.env.SKEP_TEST_NO_APT) return;
  const wanted = missing();
  if (wanted.length === 0) return;
  await step("apt-get update", "apt-get", ["update", "-qq"]);
  const env = ["DEBIAN_FRONTEND=noninteractive", "apt-get"];
  await step(`apt-get install ${wanted.join(" ")}`, "env", [
    ...env,
    "install",
    "-y",
    "-qq",
    "--no-install-recommends",
    ...wanted,
  ]);
}
