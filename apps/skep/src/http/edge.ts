import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { createHttpEdge, type HttpEdge, portOf } from "@skep/edge-http";
import { openPage, type Page } from "@skep/edge-ui";
import { fullAuthority } from "@skep/kernel";
import { readText } from "../client/files.ts";
import { realClock } from "../clock.ts";
import { allSecrets, type Listen } from "../config/mod.ts";
import { readOnly } from "../hive/door.ts";
import type { Hive } from "../hive/hive.ts";
import { version } from "../version.ts";
import { replacing } from "./session-file.ts";
import { givenIdentity, ownIdentity } from "./tls.ts";

// Its sources are looked at when somebody asks, not at the start.
function pageOf(report: (line: string) => void): Page {
  let opened: Page | undefined;
  const page = (): Page => {
    opened ??= openPage();
    return opened;
  };
  return {
    get dir() {
      return page().dir;
    },
    ready: async () => {
      try {
        return await page().ready();
      } catch (failed) {
        report(`http: ${String((failed as Error).message)}`);
        throw failed;
      }
    },
  };
}

/** Sessions of pages, kept in the home. */
export const sessionsFile = (home: string): string => join(home, "ui.sessions");

/** Names under which a wide address is reached: those of the machine, and its addresses. */
function namesOf(host: string): readonly string[] {
  if (host !== "::" && host !== "0.0.0.0") return [host];
  const addresses = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  return [
    hostname(),
    ...addresses.filter(({ internal }) => !internal).map(({ address }) => address.replace(/%.*/, "")),
  ];
}

function tlsOf({ config: { values }, home, keys }: Hive, names: readonly string[]) {
  if (values["http.tls"] === "off") return undefined;
  if (values["http.tls"] === "given") return givenIdentity(values["http.tls_cert"], values["http.tls_key"]);
  return ownIdentity(home, keys.hive, names, Date.now());
}

/** Starts HTTP: the log and the health for all, the tree for whoever shows a ticket. Throws `http.*` and `tls.*`. */
export async function startHttp(
  hive: Hive,
  where: Exclude<Listen, false>,
  report: (line: string) => void,
): Promise<{ readonly edge: HttpEdge; readonly at: { host: string; port: number } }> {
  const { door, kernel, home, config } = hive;
  const shown = ["/audit/checkpoint", "/audit/tile", "/proc/lifecycle/state"];
  const session = kernel.attach(readOnly("http", shown), "http");
  const names = [...config.values["http.hosts"], ...namesOf(where.host)];
  const tls = tlsOf(hive, names);
  const reader = { ...fullAuthority("gateway", "observer", "gateway"), allows: readsOnly };
  const edge = createHttpEdge(portOf(session), {
    clock: realClock,
    hosts: names,
    ...(tls && { tls }),
    hive: {
      door,
      tree: kernel.tree,
      about: {
        version,
        providers: kernel.slices.bound.map(({ provider: { name, doc } }) => ({ name, doc })),
      },
      gateway: {
        token: allSecrets(config, home)["http.bearer"].secret.reveal(),
        attach: () => door.admit(reader, "http"),
      },
      store: {
        load: () => readText(sessionsFile(home)),
        save: replacing(sessionsFile(home)),
      },
      spool: home,
      page: pageOf(report),
    },
    report: (failed) =>
      report(`http: ${failed.message}: ${String((failed.cause as Error)?.stack ?? failed.cause)}`),
  });
  return { edge, at: await edge.listen(where) };
}

const readsOnly = (_path: string, verb: string) => (verb === "read" ? { meters: [] } : undefined);
