/** A place of the page: its view, what is shown there, and the moment. All of it stands in the link. */
export interface Route {
  readonly view: string;
  /** What is opened: a machine, a job, a path, a record. */
  readonly object: string;
  /** Sequence of the record after which the hive is shown; undefined for now. */
  readonly at: string | undefined;
}

/** Reads a fragment: `#/files/jobs/17/status?at=9`. What cannot be read is the hive. */
export function parseRoute(fragment: string): Route {
  const [path = "", query = ""] = fragment.replace(/^#\/?/, "").split("?", 2);
  const [view = "", ...rest] = path.split("/").map(plain);
  const at = new URLSearchParams(query).get("at") ?? undefined;
  return {
    view: view === "" ? "hive" : view,
    object: rest.join("/"),
    at: at && /^\d{1,15}$/.test(at) ? at : undefined,
  };
}

function plain(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The fragment of a place; `parseRoute` gives the place back. */
export function printRoute({ view, object, at }: Partial<Route>): string {
  const parts = [view ?? "hive", ...(object ? object.split("/") : [])].map(encodeURIComponent);
  return `#/${parts.join("/")}${at === undefined ? "" : `?at=${at}`}`;
}

/** Where a file of the tree is shown. */
export function routeOfPath(path: string): string {
  const job = /^\/jobs\/(\d+)$/.exec(path)?.[1];
  if (job) return printRoute({ view: "jobs", object: job });
  const machine = /^\/worker\/([^/]+)$/.exec(path)?.[1];
  if (machine) return printRoute({ view: "machines", object: machine });
  return printRoute({ view: "files", object: path.replace(/^\//, "") });
}
