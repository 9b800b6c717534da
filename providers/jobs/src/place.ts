import { formatBytes } from "@skep/text";
import type { DataLabel, Job, Jobs, Run, Where } from "./model.ts";

/** What placement knows of a machine. */
export interface Machine {
  readonly id: string;
  readonly kinds: readonly string[];
  readonly class: string;
  /** Whose it is; replicas never go to two machines of one. */
  readonly owner: string;
  readonly labels: readonly string[];
  readonly arch: string;
  readonly memoryBytes: number;
}

/** Views of what is known of machines. */
export interface Machines {
  readonly workers: {
    get(
      id: string,
    ): { readonly key: string; readonly arch?: string; readonly memoryBytes?: number } | undefined;
    /** A rule of the machine's owner by its name, as text, where the owner told any. */
    rule?(id: string, name: string): string | undefined;
  };
  readonly members: {
    get(
      id: string,
    ): { readonly class: string; readonly owner: string; readonly labels: readonly string[] } | undefined;
  };
}

/** The machine of a worker; one that did not join with an invitation is the hive's own. */
export function machineOf({ capacity }: Jobs, { workers, members }: Machines, id: string): Machine {
  const member = members.get(id);
  const known = workers.get(id);
  return {
    id,
    kinds: capacity.get(id)?.kinds ?? [],
    class: member?.class ?? "owned",
    owner: member?.owner ?? "",
    labels: member?.labels ?? [],
    arch: known?.arch ?? "",
    memoryBytes: known?.memoryBytes ?? 0,
  };
}

const classesFor: Readonly<Record<DataLabel, readonly string[]>> = {
  public: ["owned", "borrowed", "rented", "volunteer"],
  internal: ["owned", "borrowed", "rented"],
  private: ["owned"],
};

/** One thing that a job asks of a machine, and how to say that there is none. */
interface Demand {
  readonly says: string;
  holds(machine: Machine): boolean;
}

/** What strangers hold would be the beginning of somebody else's answer. */
const mayKeep = ({ checkpoint }: Run, machine: Machine): boolean =>
  checkpoint === undefined || machine.class !== "volunteer";

function demandsOf(run: Run, where: Where): Demand[] {
  const { kind } = run;
  const { labels, arch, memoryBytes, classes, data } = where;
  const demands: Demand[] = [
    { says: `that takes ${kind} jobs`, holds: ({ kinds }) => kinds.includes(kind) },
    {
      says: `that may see ${data} data`,
      holds: (machine) => classesFor[data].includes(machine.class),
    },
  ];
  if (run.checkpoint)
    demands.push({
      says: "that may keep a checkpoint (no volunteer's)",
      holds: (machine) => mayKeep(run, machine),
    });
  if (classes.length > 0)
    demands.push({
      says: `of class ${classes.join(" or ")}`,
      holds: (machine) => classes.includes(machine.class),
    });
  for (const label of labels)
    demands.push({ says: `with label ${label}`, holds: (machine) => machine.labels.includes(label) });
  if (arch !== "")
    demands.push({ says: `of architecture ${arch}`, holds: (machine) => machine.arch === arch });
  if (memoryBytes > 0)
    demands.push({
      says: `with ${formatBytes(memoryBytes)} of memory`,
      holds: (machine) => machine.memoryBytes >= memoryBytes,
    });
  return demands;
}

/** Whether a machine is one that a job may have. */
export function fits({ run, where }: Job, machine: Machine): boolean {
  const { labels, arch, memoryBytes, classes, data } = where;
  return (
    machine.kinds.includes(run.kind) &&
    mayKeep(run, machine) &&
    classesFor[data].includes(machine.class) &&
    (classes.length === 0 || classes.includes(machine.class)) &&
    labels.every((label) => machine.labels.includes(label)) &&
    (arch === "" || machine.arch === arch) &&
    machine.memoryBytes >= memoryBytes
  );
}

/** What of a job's demands the machines that are there lack, in words; undefined where one has all. */
export function lacking({ run, where }: Job, machines: readonly Machine[]): string | undefined {
  let left = machines;
  const met: string[] = [];
  for (const demand of demandsOf(run, where)) {
    const with_ = left.filter((machine) => demand.holds(machine));
    const besides = met.length > 0 ? ` among those ${met.join(", ")}` : "";
    if (with_.length === 0) return `no machine ${demand.says}${besides}`;
    if (with_.length < left.length) met.push(demand.says);
    left = with_;
  }
  return undefined;
}
