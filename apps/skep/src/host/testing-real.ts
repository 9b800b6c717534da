import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { openBus } from "../owner/bus.ts";
import { until } from "./testing.ts";

const first = (...paths: readonly string[]): string | undefined => paths.find((path) => existsSync(path));

const programs = {
  unshare: first("/usr/bin/unshare"),
  systemd: first("/lib/systemd/systemd", "/usr/lib/systemd/systemd"),
  dbus: first("/usr/bin/dbus-daemon", "/bin/dbus-daemon"),
  podman: first("/usr/bin/podman"),
};

/** Something real that a test started, in namespaces of its own: when it ends nothing of it is left. */
export interface Real extends AsyncDisposable {
  readonly dir: string;
  readonly address: string;
}

/** Why it cannot be tried here; false where it can. */
export function lacking(...names: readonly (keyof typeof programs)[]): string | false {
  if (process.getuid?.() !== 0) return "needs root, for namespaces of its own";
  const missing = names.filter((name) => programs[name] === undefined);
  return (
    missing.length > 0 &&
    `not installed: ${missing.join(", ")} (Debian packages util-linux, systemd, dbus, podman)`
  );
}

/** Runs a script as the first process of a PID and mount namespace; it ends with all that it started. */
async function inside(
  script: string,
  dir: string,
  ready: () => Promise<true | undefined>,
): Promise<ChildProcess> {
  writeFileSync(join(dir, "go.sh"), script);
  const args = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "sh", join(dir, "go.sh"), dir];
  const child = spawn(programs.unshare ?? "", args, { stdio: ["ignore", "pipe", "pipe"] });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (data: Buffer) => said.push(String(data)));
  try {
    await until("the start", async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return ready();
    });
  } catch (cause) {
    await ended(child, "SIGKILL");
    throw new Error(`${(cause as Error).message}: ${said.join("").slice(-1000)}`, { cause });
  }
  return child;
}

/** Ends a process and waits until it is gone. */
export async function ended(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill(signal);
  await once(child, "exit");
}

/** What a systemd leaves of itself where control groups are of the first version; one that is used stays. */
const groups = ["app.slice/dbus.service", "app.slice", "init.scope"] as const;

function forget(group: string): void {
  try {
    rmdirSync(group);
  } catch {
    // It is used, or was never there.
  }
}

const real = (child: ChildProcess, dir: string, address: string): Real => ({
  dir,
  address,
  [Symbol.asyncDispose]: async () => {
    await ended(child, "SIGKILL");
    for (const group of groups) forget(join("/sys/fs/cgroup/systemd", group));
    rmSync(dir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  },
});

const busConfig = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig><type>session</type><listen>systemd:</listen><auth>EXTERNAL</auth><policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy></busconfig>`;

/**
 * A user's systemd with units of its own and no others, on a bus of its own. `services` are texts of `[Service]`; those of
 * `wanted` run from the start.
 */
export async function startSystemd(
  services: (dir: string) => Readonly<Record<string, string>>,
  wanted: readonly string[],
): Promise<Real> {
  const dir = mkdtempSync(join(tmpdir(), "skep-systemd-"));
  const units = join(dir, "units");
  mkdirSync(units);
  const alone = "[Unit]\nDefaultDependencies=no\nStartLimitIntervalSec=0\n";
  const own = Object.entries(services(dir));
  const texts: Record<string, string> = {
    "basic.target": alone,
    "sockets.target": alone,
    "shutdown.target": alone,
    "exit.target": alone,
    "dbus.socket": `${alone}[Socket]\nListenStream=${dir}/bus\n`,
    "dbus.service": `${alone}Requires=dbus.socket\n[Service]\nType=notify\nNotifyAccess=main\nExecStart=${programs.dbus} --config-file=${dir}/bus.conf --nofork --nopidfile\n`,
    "all.target": `${alone}Requires=dbus.service\nWants=${wanted.join(" ")}\n`,
    ...Object.fromEntries(
      own.map(([name, text]) => [name, `${alone}[Service]\n${text}[Install]\nWantedBy=all.target\n`]),
    ),
  };
  writeFileSync(join(dir, "bus.conf"), busConfig);
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(units, name), text);
  const script = `set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system
export XDG_RUNTIME_DIR=$1 XDG_CONFIG_HOME=$1 HOME=$1 SYSTEMD_UNIT_PATH=$1/units SYSTEMD_LOG_TARGET=console
export DBUS_SESSION_BUS_ADDRESS=unix:path=$1/bus
${programs.systemd} --user --unit=all.target
`;
  const address = `unix:path=${dir}/bus`;
  const ready = async (): Promise<true | undefined> => {
    if (!existsSync(join(dir, "bus"))) return undefined;
    try {
      using bus = await openBus(address);
      for (const name of wanted) if ((await activeState(bus, name)) !== "active") return undefined;
      return true;
    } catch {
      return undefined;
    }
  };
  return real(await inside(script, dir, ready), dir, address);
}

async function activeState(bus: Awaited<ReturnType<typeof openBus>>, unit: string): Promise<string> {
  const service = "org.freedesktop.systemd1";
  const manager = {
    destination: service,
    path: "/org/freedesktop/systemd1",
    interface: `${service}.Manager`,
  };
  const [path] = await bus.call({ ...manager, member: "LoadUnit", signature: "s", body: [unit] });
  return String(await bus.get(service, String(path), `${service}.Unit`, "ActiveState"));
}

/** A root file system that can run `sleep` and nothing else. */
function sleepRoot(dir: string): string {
  const root = join(dir, "root");
  const libraries = [
    ...execFileSync("ldd", ["/bin/sleep"])
      .toString()
      .matchAll(/(\/\S+) \(/g),
  ].map(([, path]) => path);
  for (const path of ["/bin/sleep", ...libraries]) {
    if (path === undefined) continue;
    mkdirSync(join(root, dirname(path)), { recursive: true });
    copyFileSync(path, join(root, path));
  }
  return root;
}

/** A Podman with containers of its own that sleep, and its API on a socket. */
export async function startPodman(...names: readonly string[]): Promise<Real> {
  const dir = mkdtempSync(join(tmpdir(), "skep-podman-"));
  const socket = join(dir, "engine.sock");
  const config = `[containers]
netns = "host"
cgroups = "disabled"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
`;
  writeFileSync(join(dir, "containers.conf"), config);
  const run = (name: string): string =>
    `$P run -d --name ${name} --stop-signal SIGKILL localhost/sleep:1 /bin/sleep 100000\n`;
  const script = `set -e
if [ -d /sys/fs/cgroup/unified ]; then umount /sys/fs/cgroup/unified; fi
export CONTAINERS_CONF=$1/containers.conf
P="${programs.podman} --root $1/store --runroot $1/run --tmpdir $1/tmp --storage-driver vfs"
tar -C ${sleepRoot(dir)} -c . | $P import - localhost/sleep:1
${names.map(run).join("")}$P system service --time 0 unix://${socket}
`;
  const ready = async (): Promise<true | undefined> => (existsSync(socket) ? true : undefined);
  return real(await inside(script, dir, ready), dir, socket);
}

/** Lines of a file; none where it is not there yet. */
export const linesOf = (file: string): string[] =>
  existsSync(file)
    ? readFileSync(file, "utf8")
        .split("\n")
        .filter((line) => line !== "")
    : [];
