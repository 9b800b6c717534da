import { limits } from "@skep/kernel";
import { busAdapters, loraAdapters } from "./adapters.ts";
import { choice, duration, file, integer, size, words, yesNo } from "./kinds.ts";
import { pathRules } from "./path-rules.ts";
import { reach } from "./reach.table.ts";
import { secret, setting } from "./setting.ts";
import { day, GB, GiB, KiB, MiB, minute, most, second } from "./units.ts";

const bridgedForm = /^(systemd|docker|k8s|nvidia)(\/[\w.@:-]{1,255})?$/;
const bridged = (word: string): string | undefined =>
  bridgedForm.test(word) ? undefined : "expected systemd, docker, k8s or nvidia, and a name after a slash";
const gpuForm = (word: string): string | undefined =>
  /^[\w][\w.-]{0,63}:[1-9]\d{0,8}:[1-9]\d{0,5}$/.test(word) ? undefined : "expected ID:MEMORY_MB:UNITS";

// Its own place and nothing else: a password in it would stand in a file that is no secret.
const collector = (word: string) =>
  /^https?:\/\/[\w.:[\]-]+(\/[\w./-]*)?$/.test(word)
    ? undefined
    : "expected http:// or https:// with a host, and no password or query";
const hostName = (word: string) =>
  /^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(word) ? undefined : "expected a name without a port";
const ed25519 = (word: string) =>
  /^[0-9a-f]{64}$/.test(word) ? undefined : "expected an Ed25519 key, 64 hex digits";
const path = (word: string) =>
  /^(\/[\w.-]{1,64}){1,8}$/.test(word) ? undefined : "expected a path such as /policy";
const running = { running: true } as const;

/** Every setting of the hive that is no secret, in the order of the documentation. */
export const settings = {
  profile: setting(
    choice("standard", "production"),
    "standard",
    "`production` refuses secrets and keys that everyone knows, and wants audit and replay",
    { flag: "profile" },
  ),

  ...reach,

  "workers.count": setting(integer(0, 256), 2, "Worker processes that the daemon starts on this machine", {
    env: "SKEP_WORKERS",
    flag: "workers",
  }),

  "sandbox.grade": setting(
    choice("shared", "fresh"),
    "shared",
    "Process of a module: one for all modules of a subject, or a new one each time; strangers always get a new one",
  ),
  "sandbox.isolation": setting(
    choice("auto", "require", "off"),
    "auto",
    "bubblewrap around the sandbox process: where it is there, or no job without it, or never",
  ),
  "sandbox.memory": setting(
    size(64 * KiB, 4 * GiB),
    256 * MiB,
    "Most linear memory of a module, whatever the job asks",
  ),
  "sandbox.wall_time": setting(
    duration(100, day),
    5 * minute,
    "Longest life of a module, checking and compiling included, whatever the job asks",
  ),
  "sandbox.fuel": setting(
    integer(1000, most),
    100_000_000_000,
    "Most units of work of a module, whatever the job asks",
  ),
  "sandbox.output": setting(size(0, GiB), 16 * MiB, "Most bytes kept of stdout, and as many of stderr"),
  "sandbox.checkpoint": setting(
    size(0, 256 * MiB),
    16 * MiB,
    "Most bytes of the file that a job keeps; jobs that ask for more go to other machines",
  ),
  "sandbox.stdin": setting(size(0, 1024 * GiB), 16 * GiB, "Most bytes of standard input"),

  "retention.outputs_age": setting(duration(0, 36_500 * day), 30 * day, "How long outputs of jobs are kept", {
    instead: "skep policy retention",
  }),
  "retention.outputs_size": setting(
    size(0, most),
    10 * GB,
    "Most bytes of outputs kept; the oldest go first",
    { instead: "skep policy retention" },
  ),
  "retention.ended_jobs_age": setting(duration(0, 36_500 * day), 90 * day, "How long ended jobs are kept", {
    instead: "skep policy retention",
  }),

  "disk.warn_percent": setting(
    integer(0, 99),
    10,
    "Free space, in percent, below which `doctor` and `/proc/boot` warn",
    running,
  ),
  "disk.stop_percent": setting(
    integer(0, 99),
    5,
    "Free space, in percent, below which no new work is accepted",
    running,
  ),
  "disk.reserve": setting(
    size(0, 64 * GiB),
    64 * MiB,
    "Bytes held back so that outcomes and drain can always be written",
  ),

  "console.ticket_scopes": setting(integer(0, 16), 8, "Most scopes of a console ticket", running),
  "console.ticket_path": setting(
    integer(1, 255),
    128,
    "Longest path of a console ticket's scope, in bytes",
    running,
  ),
  "console.ticket_rate": setting(
    integer(1, 1_000_000),
    64,
    "Highest rate of a console ticket's scope, per second",
    running,
  ),
  "console.ticket_bandwidth": setting(
    integer(0, most),
    131_072,
    "Bytes that a console ticket without quotas may move",
    running,
  ),
  "console.ticket_resumes": setting(
    integer(0, 1_000_000),
    16,
    "Times that such a ticket may read back in a stream",
    running,
  ),
  "console.ticket_advances": setting(
    integer(0, 1_000_000),
    256,
    "Times that such a ticket may read on in a stream",
    running,
  ),

  "http.hosts": setting(
    words("NAME…", hostName),
    [],
    "Names beside loopback ones under which HTTP may be asked: its own with TLS, or those of a proxy in front",
  ),
  "http.tls": setting(
    choice("off", "own", "given"),
    "off",
    "TLS of HTTP: none, a certificate of the home's own authority, or the given one; wider than loopback only with it",
  ),
  "http.tls_cert": setting(file(), "", "Certificate chain for `given`, PEM"),
  "http.tls_key": setting(file(), "", "Its key, PEM"),

  "otel.endpoints": setting(
    words("URL…", collector),
    [],
    "OpenTelemetry collectors (OTLP over HTTP, JSON) that figures and spans go to; nothing is sent without one",
  ),
  "otel.every": setting(duration(1000, 3_600_000), 15_000, "Time between two exports"),

  "policy.rules": setting(
    pathRules(),
    [],
    "Paths whose controls need an approval in the queue, `id=/path`, `*` for one name; in force where no policies ever were",
    { instead: "skep policy apply" },
  ),
  "policy.grace": setting(
    duration(0, 60 * minute),
    5000,
    "How long an irreversible act that a person asked for waits after its approval, so that it can still be rejected",
  ),
  "policy.queue": setting(integer(1, 1024), 256, "Approvals that may lie in the queue", running),

  "models.keys": setting(
    words("KEY…", ed25519),
    [],
    "Public Ed25519 keys whose models may be active, 64 hex digits each; none are while it is empty",
  ),
  "models.kept": setting(integer(1, 10_000), 256, "Models that are kept at a time", running),
  "models.chunks": setting(integer(1, 10_000_000), 200_000, "Chunks of all models together", running),
  "models.size": setting(
    size(1 * MiB, 1024 * 1024 * MiB),
    64 * 1024 * MiB,
    "Bytes of a model's weights",
    running,
  ),

  "updates.keys": setting(
    words("KEY…", ed25519),
    [],
    "Public Ed25519 keys whose updates are taken, 64 hex digits each; none are while it is empty",
  ),
  "updates.kept": setting(integer(1, 100_000), 256, "Updates that are kept at a time", running),
  "updates.chunks": setting(integer(1, 10_000_000), 200_000, "Chunks of all updates together", running),
  "updates.manifest_size": setting(
    size(2048, 64 * MiB),
    4 * MiB,
    "Bytes of the manifest of an update",
    running,
  ),

  "telemetry.devices": setting(
    integer(1, 100_000),
    1024,
    "Devices that may have telemetry segments",
    running,
  ),
  "telemetry.worker_every": setting(
    duration(0, day),
    minute,
    "How often a worker tells of itself, through a spool on its own disk; 0 for never",
  ),
  "telemetry.segments": setting(integer(1, 10_000), 16, "Segments that a device may have", running),
  "telemetry.segment_size": setting(
    size(4 * KiB, 64 * MiB),
    256 * KiB,
    "Bytes of a telemetry segment",
    running,
  ),
  "telemetry.record_size": setting(
    size(64, 64 * KiB),
    4 * KiB,
    "Bytes of one record, its newline included",
    running,
  ),
  "telemetry.when_full": setting(
    choice("evict-oldest", "refuse"),
    "evict-oldest",
    "What a device with all its segments does when another is asked for",
    running,
  ),

  "telemetry.ring_size": setting(size(1 * KiB, 1 * MiB), 16 * KiB, "Bytes of a worker's telemetry ring"),
  "telemetry.keep_rings": setting(
    yesNo(),
    false,
    "Whether workers' rings and their offsets outlive a restart; records are on the disk before they are acknowledged then",
  ),
  "telemetry.cursor_advances": setting(
    integer(0, 1_000_000_000),
    0,
    "How often a session may read on in `/worker/<id>/cursor`; 0 is without limit",
    running,
  ),
  "telemetry.cursor_resumes": setting(
    integer(0, 1_000_000_000),
    0,
    "How often a session may go back in `/worker/<id>/cursor`; 0 is without limit",
    running,
  ),

  "bus.adapters": setting(
    busAdapters(),
    [],
    "Field buses below `/bus`, each a name and what is said of it: `modbus-main protocol=modbus serial=19200 spool=8/512 link=offline replay=manual label=NAME scope=SUBJECT`; parted by semicolons outside of a list",
  ),
  "lora.adapters": setting(
    loraAdapters(),
    [],
    "Radios below `/lora`: `lora-main region=us915 duty=1 window=1h payload=51 tamper=64 airtime=sf7/125/4-5 label=NAME scope=SUBJECT`",
  ),

  "audit.witnesses": setting(
    file(),
    "",
    "Whom to ask for cosignatures of the log, and how many are needed, while nobody was named yet: a file in C2SP tlog-policy form with this log's key; later `skep policy witnesses`",
    { instead: "skep policy witnesses" },
  ),
  "audit.witness_interval": setting(
    duration(100, day),
    10 * second,
    "How long to wait between askings while the log grows",
  ),
  "audit.replay_window": setting(
    integer(1, 10_000_000),
    100_000,
    "How many records back `/replay/ctl` may begin",
    running,
  ),

  "audit.replay": setting(
    yesNo(),
    true,
    "Whether `/replay` is there: recorded commands judged again for clients of the original",
  ),

  "client.control_sessions": setting(integer(1, 64), 2, "Sessions that a client has for commands at a time"),
  "client.telemetry_sessions": setting(
    integer(1, 256),
    24,
    "Sessions that a client has for telemetry at a time",
  ),
  "client.retries": setting(integer(0, 20), 3, "How often a client tries again what the connection broke"),
  "client.retry_wait": setting(
    duration(1, minute),
    200,
    "How long it waits before it tries again, doubled each time",
  ),
  "client.retry_most": setting(duration(1, 10 * minute), 2 * second, "The longest such wait"),
  "client.timeout": setting(duration(100, 10 * minute), 5 * second, "How long it waits for an answer"),
  "client.heartbeat": setting(
    duration(second, 60 * minute),
    15 * second,
    "How long a session may be silent before its client asks whether it lives",
  ),

  "compat.hide": setting(
    words("PATH…", path),
    [],
    "Paths that clients of the console do not find: the original's base hive has no `/policy`, `/audit` or `/replay`",
  ),
  "compat.host": setting(
    words("FACET/NAME…", bridged),
    [],
    "Things of `/host` that a bridge of the original tells of, such as `systemd/ssh.service`, `k8s/node-1`, `nvidia/0` and `docker`",
  ),
  "compat.gpus": setting(
    words("ID:MEMORY_MB:UNITS…", gpuForm),
    [],
    "GPUs that `/gpu` has from the first start on, as the original's image has: no bridge has to publish them",
  ),
  "compat.well_known_secrets": setting(
    yesNo(),
    false,
    "Secrets may stand in a configuration that others can read, because everyone knows them anyway; doctor warns",
  ),

  "limits.path_depth": setting(integer(4, 64), limits.pathDepth, "Deepest path, in steps"),
  "limits.component": setting(integer(64, 255), limits.component, "Longest name in a path, in bytes"),
  "limits.line": setting(size(256, 60 * KiB), limits.line, "Longest control line"),
  "limits.read": setting(size(4 * KiB, 64 * MiB), limits.readOutside9p, "Most bytes of one read outside 9P"),
  "limits.msize": setting(size(4 * KiB, MiB), limits.msize, "Largest 9P message"),
  "limits.tags": setting(integer(2, 1024), limits.tags, "Requests under way in one 9P session"),
  "limits.waiting_reads": setting(
    integer(1, 1023),
    limits.waitingReads,
    "How many of them may be waiting reads",
  ),
  "limits.fids": setting(integer(16, 65_536), limits.fids, "Fids of one 9P session"),
  "limits.fids_on_socket": setting(
    integer(16, 1_048_576),
    limits.fidsOnSocket,
    "Fids of one session on the unix socket",
  ),
  "limits.connections": setting(
    integer(16, 100_000),
    12_000,
    "Most connections of one edge at a time: 9P over TCP, the console; the files that the process may open are the other limit",
  ),
  "limits.entries": setting(integer(100, 100_000), limits.entries, "Most entries that a directory lists"),
  "limits.controls_per_second": setting(
    integer(1, 1_000_000),
    limits.controlsPerSecond,
    "Accepted controls per ticket and second where a right names no rate",
    running,
  ),
};

/** Every secret. Those that nobody gives are generated for the home. */
export const secrets = {
  "console.token": secret("Token with which a client of the console opens its session", {
    flag: "console-token-file",
  }),
  "console.secrets.queen": secret("Secret under which console tickets of the role queen are made"),
  "console.secrets.worker-heartbeat": secret("The same for the role worker-heartbeat"),
  "console.secrets.worker-gpu": secret("The same for the role worker-gpu"),
  "console.secrets.worker-bus": secret("The same for the role worker-bus"),
  "console.secrets.worker-lora": secret("The same for the role worker-lora"),
  "http.bearer": secret("Bearer of a gateway over HTTP: it reads, and acts with the tickets of others"),
};

/** What the sections of `skep.toml` are about, in the order of the documentation. */
export const sections: Readonly<Record<string, string>> = {
  profile: "Above all sections.",
  listen: "Edges. `off`, `on` (the usual address), a port (0 is any free one), `host:port` or `[v6]:port`.",
  mesh: "How machines reach each other, once the mesh listens.",
  workers: "Workers on this machine.",
  sandbox: "What a worker of this machine grants a module at most.",
  retention:
    "What a new home keeps how long; later `skep policy retention` changes it, like rules and signers. The journal is kept for ever.",
  disk: "Low disk space.",
  console: "The console edge, its MAC tickets and their secrets.",
  http: "The HTTP edge.",
  otel: "Export of figures and spans; off unless a collector is named.",
  policy: "Rules of a new hive; `skep policy` changes those of one that has some.",
  models: "Models for GPUs, and who may sign them.",
  updates: "Updates for machines, and who may sign them.",
  telemetry: "What is kept of what devices tell.",
  bus: "Field buses: docs/buses.md.",
  lora: "LoRa radios: docs/buses.md.",
  audit: "The log and its witnesses.",
  client:
    "What clients made for this hive are given by `skep manifest client`: how many sessions, how patient. The hive itself is not changed by it.",
  compat: "Living with clients of the original.",
  limits: "Sizes and counts that every session is held to.",
};
