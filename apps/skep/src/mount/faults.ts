import { faults } from "@skep/fault";

export const fault = faults("mount", {
  root: [
    "denied",
    "Cannot mount with the kernel's 9P: only root may",
    { cure: "Run the line above with sudo, or mount through FUSE: --by fuse" },
  ],
  kernel: [
    "unsupported",
    "Cannot mount: this kernel has no 9p",
    { cure: "Load it with `modprobe 9p 9pnet_fd`, or mount through FUSE: --by fuse" },
  ],
  failed: ["failed", "Cannot mount: mount(8) failed"],
  dir: ["notDirectory", "Cannot mount on what is no directory"],
  parent: [
    "absent",
    "Cannot make the directory to mount on: the one above it is not there",
    { cure: "Make it with `mkdir -p`" },
  ],
  rights: [
    "denied",
    "Cannot mount there: you may not use that directory",
    { cure: "Say one of your own, as in `skep mount ~/hive`" },
  ],
  full: [
    "conflict",
    "Cannot mount on a directory that is not empty: what is in it would be hidden",
    { cure: "Say another directory; one that is not there is made" },
  ],
  mounted: [
    "conflict",
    "Cannot mount: something is mounted there already",
    { cure: "Unmount it with `skep mount --unmount DIR`, or say another directory" },
  ],
  dead: ["conflict", "Cannot mount: a mount whose process ended stands there"],
  none: [
    "absent",
    "Cannot unmount: nothing is mounted there",
    { cure: "`grep skep /proc/mounts` tells what is mounted where" },
  ],
  foreign: ["refused", "Cannot unmount what is no mount of a hive", { cure: "Use umount(8) if you mean it" }],
  unmount: ["busy", "Cannot unmount", { cure: "`fuser -vm DIR` tells who uses it" }],
  device: [
    "unsupported",
    "Cannot mount through FUSE: /dev/fuse is not there",
    { cure: "Load it with `modprobe fuse`; a container needs `--device /dev/fuse`" },
  ],
  closed: [
    "denied",
    "Cannot mount through FUSE: /dev/fuse may not be opened",
    { cure: "A container needs `--device /dev/fuse` and the right to mount: CAP_SYS_ADMIN" },
  ],
  fusermount: [
    "unsupported",
    "Cannot mount without root: fusermount3 is not there",
    { cure: "Install it, as in `apt install fuse3`, or use sudo" },
  ],
  receiver: [
    "unsupported",
    "Cannot mount without root: python3, which takes the descriptor over from fusermount3, is not there",
    { cure: "Install python3, or use sudo" },
  ],
  other: ["denied", "Cannot mount for another user: only root may", { cure: "Leave --uid out, or use sudo" }],
  absent: ["absent", "Cannot walk to what is not there"],
  below: ["notDirectory", "Cannot walk to what is below a file"],
  server: ["failed", "Cannot mount through FUSE"],
  print: [
    "invalid",
    "Cannot print a line for FUSE: it is no line of mount(8)",
    { cure: "Leave --print or --by fuse out" },
  ],
});
