import { faults } from "@skep/fault";
import { type Build, defineProvider, type Files, type Node, type Provider, type Scene } from "@skep/kernel";
import { Cursors, type CursorQuotas } from "./cursors.ts";
import { checkTaking, type Uses as KernelUse } from "./decide.ts";
import type { Figures } from "./figures.ts";
import { type RingQuotas, spawnedBytes, WorkerRings } from "./worker-rings.ts";

const fault = faults("telemetry", {
  gone: ["conflict", "Cannot append to the telemetry of a worker that is gone"],
});

/** Views of other slices. */
interface Uses extends KernelUse {
  readonly workers: { get(id: string): object | undefined };
  readonly spawned: { has(id: string): boolean };
}

/** What the app passes in. */
export interface RingsDeps {
  /** Where rings that are kept lie, below `rings/`. */
  readonly files: Files;
  readonly figures: Figures;
  readonly quotas: RingQuotas & CursorQuotas;
}

type At = Scene<null, Uses>;

const idOf = ({ params }: At): string => params.id ?? "";
const isSpawned = (scene: At): boolean => scene.views.spawned.has(idOf(scene));
const offsetForm = /^(0|[1-9]\d{0,14})$/;

function ringNode(t: Build<null, Uses>, rings: WorkerRings, figures: Figures): Node {
  return t.stream("What the worker tells of itself: lines, or CBOR items one after the other", {
    source: (scene) => rings.source(idOf(scene), isSpawned(scene)),
    append: (bytes, scene) => {
      const [id, spawned] = [idOf(scene), isSpawned(scene)];
      // A handle may outlive its worker: it must not bring the ring back.
      if (!spawned && scene.views.workers.get(id) === undefined) throw fault.gone(id);
      checkTaking(scene.views);
      const taken = rings.append(id, spawned, bytes);
      figures.watched(scene);
      return taken;
    },
  });
}

function cursorNode(t: Build<null, Uses>, rings: WorkerRings, cursors: Cursors, most: number): Node {
  const offset = ({ params }: At): number => Number(params.offset);
  return t.each(
    "The same by absolute offset, from the byte of that number to the end; what is gone is refused, not skipped",
    "offset",
    { list: () => [], has: (name) => offsetForm.test(name) },
    t.text("What was told from this offset on; the next read begins as many bytes later", {
      size: () => 0,
      render: async (scene) => {
        const ring = await rings.source(idOf(scene), isSpawned(scene));
        const back = isSpawned(scene) ? spawnedBytes : most;
        const at = cursors.move(scene.caller.session, idOf(scene), offset(scene), ring, back);
        return ring.read(at, ring.next - at);
      },
    }),
  );
}

/** `/worker/<id>/{telemetry,cursor}`: what workers tell of themselves, in rings with absolute offsets. */
export function ringsProvider({ files, figures, quotas }: RingsDeps): Provider {
  const rings = new WorkerRings(files, quotas, figures);
  const cursors = new Cursors(quotas);
  return defineProvider<null, Uses>({
    name: "rings",
    doc: "What workers tell of themselves",
    uses: ["kernel", "workers", "spawned"],
    journalled: false,
    initial: () => null,
    events: {},
    opened: (_state, runtime) => rings.begin(runtime),
    closed: () => rings.close(),
    notify: {
      "queen:killed@1": ({ worker }: { worker: string }) => rings.drop(worker),
    },
    left: ({ id }) => {
      cursors.forget(id);
      return undefined;
    },
    mounts: (t) => ({
      "/worker/:id/telemetry": ringNode(t, rings, figures),
      "/worker/:id/cursor": cursorNode(t, rings, cursors, quotas.ringBytes),
    }),
  });
}
