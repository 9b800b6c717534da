/** What a unit says. */
export interface UnitOptions {
  readonly scope: "user" | "system";
  /** Name without `.service`. */
  readonly name: string;
  /** Words that start the daemon. */
  readonly words: readonly string[];
  readonly home: string;
  /** Whom a system unit runs as. */
  readonly runAs?: string | undefined;
  /** True where the path of the home is too long for the socket, which then is in a runtime directory. */
  readonly socketOutside: boolean;
  /** Secrets by name, with the files that systemd reads them from. */
  readonly credentials: readonly { readonly name: string; readonly file: string }[];
}

/** The home that systemd itself makes for a system unit. */
export const systemHome = "/var/lib/skep";

/** One word in systemd's quoting; `%` and, in a command, `$` would mean something to it. */
export function unitWord(word: string, command = false): string {
  const plain = word.replaceAll("%", "%%").replaceAll("\\", "\\\\").replaceAll('"', '\\"');
  return `"${command ? plain.replaceAll("$", "$$$$") : plain}"`;
}

type Lines = readonly string[];

function service({ name, words, home, scope, runAs, socketOutside, credentials }: UnitOptions): Lines {
  const system = scope === "system";
  return [
    "[Service]",
    "Type=notify",
    "# The line to systemd is carried by systemd-notify, a child.",
    "NotifyAccess=all",
    `ExecStart=${words.map((word) => unitWord(word, true)).join(" ")}`,
    // Not SIGHUP: this waits, and fails where the configuration is wrong.
    `ExecReload=${words.map((word) => unitWord(word === "up" ? "reload" : word, true)).join(" ")}`,
    ...(system ? [`User=${runAs ?? ""}`] : []),
    "WatchdogSec=30",
    "TimeoutStartSec=10min",
    "TimeoutStopSec=30",
    "KillMode=mixed",
    "Restart=on-failure",
    "RestartSec=2",
    "# Usage, a missing thing, a refused home, a home in use: another try would end the same.",
    "RestartPreventExitStatus=2 3 4 8",
    "# A module that is killed for its memory is a failed job, not a failed hive.",
    "OOMPolicy=continue",
    ...credentials.map(
      ({ name: secret, file }) => `LoadCredential=skep.${secret}:${file.replaceAll("%", "%%")}`,
    ),
    ...(system && home === systemHome
      ? ["StateDirectory=skep", "StateDirectoryMode=0700"]
      : [`ReadWritePaths=${unitWord(home)}`]),
    "CacheDirectory=skep",
    "CacheDirectoryMode=0700",
    ...(system ? ["Environment=XDG_CACHE_HOME=%C"] : []),
    ...(socketOutside
      ? [`RuntimeDirectory=${name}`, "RuntimeDirectoryMode=0700", `Environment=XDG_RUNTIME_DIR=%t/${name}`]
      : []),
  ];
}

// In the user's own manager these would take away capabilities that it does not have, and the start would fail.
const onlySystem: Lines = [
  "CapabilityBoundingSet=",
  "AmbientCapabilities=",
  "PrivateDevices=yes",
  "ProtectClock=yes",
  "ProtectHostname=yes",
  "ProtectKernelLogs=yes",
  "ProtectKernelModules=yes",
];

const hardening: Lines = [
  "UMask=0077",
  "NoNewPrivileges=yes",
  "PrivateMounts=yes",
  "PrivateTmp=yes",
  "ProtectSystem=strict",
  "ProtectHome=read-only",
  "ProtectKernelTunables=yes",
  "LockPersonality=yes",
  "RestrictRealtime=yes",
  "RestrictSUIDSGID=yes",
  "SystemCallArchitectures=native",
  "# AF_NETLINK: bubblewrap sets up the loopback of the sandbox's network namespace.",
  "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK",
  "# bubblewrap makes these namespaces for each sandbox and mounts in them.",
  "RestrictNamespaces=cgroup ipc mnt net pid user uts",
  "SystemCallFilter=@system-service @mount",
  "SystemCallErrorNumber=EPERM",
  "# Each sandbox gets a control group of its own below this one: the hard limit of its memory.",
  "Delegate=memory pids",
  "# Not here: MemoryDenyWriteExecute, because V8 compiles; ProtectControlGroups, because of the line above.",
];

/** The text of a systemd unit for `skep up`. */
export function unitText(options: UnitOptions): string {
  const { scope, home } = options;
  const root = options.runAs === "root";
  const sections: Lines[] = [
    [
      "# Made by `skep service install`; `skep service remove` takes it away.",
      "[Unit]",
      `Description=Skep hive in ${home.replaceAll("%", "%%")}`,
      "StartLimitIntervalSec=5min",
      "StartLimitBurst=5",
    ],
    [
      ...service(options),
      "",
      ...hardening,
      // As root the sandbox gives its own rights away itself, which takes capabilities.
      ...(scope === "system" && !root ? onlySystem : []),
    ],
    ["[Install]", `WantedBy=${scope === "system" ? "multi-user.target" : "default.target"}`],
  ];
  return `${sections.map((lines) => lines.join("\n")).join("\n\n")}\n`;
}
