import { type ChildProcess, spawn, spawnSync, type SpawnOptions } from "node:child_process";
import { isIPv6 } from "node:net";
import { fileURLToPath } from "node:url";

/** Why no lab can be made here, if so. */
export function labLacks(): string | undefined {
  if (process.getuid?.() !== 0) return "network namespaces need root";
  for (const [program, flag] of [
    ["ip", "-V"],
    ["nft", "-v"],
  ] as const)
    if (spawnSync(program, [flag]).error) return `${program} is not installed`;
  const name = `skep-try-${process.pid}`;
  const made = spawnSync("ip", ["netns", "add", name]);
  spawnSync("ip", ["netns", "del", name]);
  return made.status === 0 ? undefined : "this kernel gives no network namespaces";
}

function run(program: string, args: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    encoding: "utf8",
    ...(input !== undefined && { input }),
  });
  if (error || status !== 0)
    throw new Error(`${program} ${args.join(" ")}: ${error?.message ?? stderr}`, { cause: error });
  return stdout;
}

/** A network that hosts share: a bridge in a namespace of its own. */
export interface Network {
  readonly name: string;
  /** The namespace with the bridge `br0`. */
  readonly space: string;
  /** Where hosts on it send what is not for it. */
  readonly gateways: readonly string[];
}

/** A machine: a namespace with its own interfaces, routes and filters. */
export interface Host {
  readonly name: string;
  readonly space: string;
  /** Its addresses, without the length of the prefix. */
  readonly addresses: readonly string[];
  /** Starts a program there; ended with the lab. */
  spawn(program: string, args: readonly string[], options?: SpawnOptions): ChildProcess;
  /** Runs a program there to its end; throws with what it said when it fails. */
  run(program: string, ...args: readonly string[]): string;
  /** Drops all UDP, both ways. */
  blockUdp(): void;
  /** Drops every packet to or from an address, until the answer is called. */
  cut(address: string): () => void;
  /** Takes its network away or gives it back. */
  link(state: "up" | "down"): void;
}

/** What a router does to those behind it. */
export interface NatOptions {
  /** Its address on the network outside, with the length of the prefix. */
  readonly outside: string;
  /** Its address inside, likewise; `192.168.1.1/24` by default. */
  readonly inside?: string;
  /** What may go out: everything, no UDP, or only TCP to port 443. */
  readonly lets?: "all" | "tcp" | "443";
  /** How those behind it may ask for a port that is reached from outside; not at all by default. */
  readonly speaks?: "pcp" | "nat-pmp" | "upnp";
  /** A port that leads from outside to a host and the same port behind it, as an owner writes it into the router. */
  readonly forwards?: { readonly port: number; readonly to: string };
  /** How a mapping's port is chosen: as the sender's where it is free, or by chance for each target. */
  readonly ports?: "kept" | "random";
}

/** Networks, routers and machines made of namespaces; nothing outside sees them, and they are gone at the end. */
export interface Lab extends AsyncDisposable {
  network(name: string): Network;
  /** A machine on a network; its addresses come with the length of their prefix. */
  host(name: string, on: Network, ...addresses: readonly string[]): Host;
  /** A router with address translation; gives the network behind it. */
  nat(name: string, on: Network, options: NatOptions): Network;
}

let labs = 0;

const gateway = fileURLToPath(new URL("gateway.ts", import.meta.url));
const plain = (address: string): string => address.split("/", 1)[0] ?? "";

class NamespaceLab implements Lab {
  readonly #prefix = `sk${process.pid.toString(36)}${(labs++).toString(36)}`;
  readonly #spaces: string[] = [];
  readonly #children = new Set<ChildProcess>();
  #cables = 0;

  #space(): string {
    const name = `${this.#prefix}-${this.#spaces.length}`;
    run("ip", ["netns", "add", name]);
    this.#spaces.push(name);
    run("ip", ["-n", name, "link", "set", "lo", "up"]);
    return name;
  }

  #setting(space: string, name: string, value: string): void {
    run("ip", ["netns", "exec", space, "sh", "-c", `echo ${value} > /proc/sys/net/${name}`]);
  }

  /** A cable between a machine's interface and a network. */
  #plug(space: string, name: string, on: Network, addresses: readonly string[]): void {
    const far = `p${this.#cables++}`;
    run("ip", ["link", "add", name, "netns", space, "type", "veth", "peer", "name", far, "netns", on.space]);
    run("ip", ["-n", on.space, "link", "set", far, "master", "br0", "up"]);
    for (const address of addresses) {
      const flags = isIPv6(plain(address)) ? ["nodad"] : [];
      run("ip", ["-n", space, "addr", "add", address, "dev", name, ...flags]);
    }
    run("ip", ["-n", space, "link", "set", name, "up"]);
  }

  network(name: string): Network {
    return this.#network(name, []);
  }

  #network(name: string, gateways: readonly string[]): Network {
    const space = this.#space();
    run("ip", ["-n", space, "link", "add", "br0", "type", "bridge"]);
    run("ip", ["-n", space, "link", "set", "br0", "type", "bridge", "mcast_snooping", "0"]);
    run("ip", ["-n", space, "link", "set", "br0", "up"]);
    return { name, space, gateways };
  }

  #spawn(space: string, program: string, args: readonly string[], options: SpawnOptions): ChildProcess {
    const child = spawn("ip", ["netns", "exec", space, program, ...args], options);
    this.#children.add(child);
    child.once("exit", () => this.#children.delete(child));
    return child;
  }

  host(name: string, on: Network, ...addresses: readonly string[]): Host {
    const space = this.#space();
    this.#plug(space, "eth0", on, addresses);
    for (const gateway of on.gateways) run("ip", ["-n", space, "route", "add", "default", "via", gateway]);
    const four = addresses.some((address) => !isIPv6(plain(address)));
    if (four && on.gateways.length === 0) run("ip", ["-n", space, "route", "add", "default", "dev", "eth0"]);
    const filter = (rules: string) => run("ip", ["netns", "exec", space, "nft", "-f", "-"], rules);
    return {
      name,
      space,
      addresses: addresses.map(plain),
      spawn: (program, args, options = {}) => this.#spawn(space, program, args, options),
      run: (program, ...args) => run("ip", ["netns", "exec", space, program, ...args]),
      blockUdp: () =>
        void filter(`table inet noudp { chain in { type filter hook input priority 0; iif != lo meta l4proto udp drop; }
          chain out { type filter hook output priority 0; oif != lo meta l4proto udp drop; }
}`),
      cut: (address) => {
        const kind = isIPv6(address) ? "ip6" : "ip";
        const table = `cut_${address.replace(/\W/g, "_")}`;
        filter(`table inet ${table} { chain in { type filter hook input priority 0; ${kind} saddr ${address} drop; }
          chain out { type filter hook output priority 0; ${kind} daddr ${address} drop; }
}`);
        return () => void filter(`delete table inet ${table}`);
      },
      link: (state) => {
        run("ip", ["-n", space, "link", "set", "eth0", state]);
        if (state === "up")
          for (const gateway of on.gateways)
            run("ip", ["-n", space, "route", "replace", "default", "via", gateway]);
      },
    };
  }

  nat(name: string, on: Network, options: NatOptions): Network {
    const { outside, inside = "192.168.1.1/24", lets = "all", ports = "random", speaks, forwards } = options;
    const behind = this.#network(name, [plain(inside)]);
    const space = this.#space();
    this.#plug(space, "out0", on, [outside]);
    this.#plug(space, "in0", behind, [inside]);
    run("ip", ["-n", space, "route", "add", "default", "dev", "out0"]);
    this.#setting(space, "ipv4/ip_forward", "1");
    const out = { all: "accept", tcp: "meta l4proto tcp accept", "443": "tcp dport 443 accept" }[lets];
    const dnat = forwards
      ? `iifname out0 tcp dport ${forwards.port} dnat to ${forwards.to}:${forwards.port};`
      : "";
    const rules = `table ip nat { chain pre { type nat hook prerouting priority -100; ${dnat} }
      chain post { type nat hook postrouting priority 100; oif out0 masquerade ${ports === "random" ? "random" : ""}; }
}
      table ip filter { chain forward { type filter hook forward priority 0; policy drop;
        ct state established,related accept; iif in0 oif out0 ${out}; ct status dnat accept;
}
      chain input { type filter hook input priority 0; policy drop; ct state established,related accept; iif in0 accept; iif lo accept; }
}`;
    run("ip", ["netns", "exec", space, "nft", "-f", "-"], rules);
    if (speaks) {
      const asked = JSON.stringify({ inside: plain(inside), outside: plain(outside), speaks });
      this.#spawn(space, process.execPath, ["--disable-warning=ExperimentalWarning", gateway, asked], {
        stdio: ["ignore", "ignore", "inherit"],
      });
    }
    return behind;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = [...this.#children].map((child) => {
      const gone = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGKILL");
      return gone;
    });
    await Promise.all(ended);
    for (const space of this.#spaces.splice(0).reverse()) spawnSync("ip", ["netns", "del", space]);
  }
}

/** Starts a lab. Ask `labLacks` first. */
export function createLab(): Lab {
  return new NamespaceLab();
}
