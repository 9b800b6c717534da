import { faults } from "@skep/fault";
import {
  type BlobHandle,
  type Blobs,
  type Caller,
  defineProvider,
  emitter,
  type EventMeta,
  type Provider,
  type Scope,
  type Table,
} from "@skep/kernel";

const fault = faults("cas", {
  digest: ["invalid", "Cannot use a name that is no SHA-256 digest: 64 lower-case hex digits"],
  absent: ["absent", "Cannot read a blob that is not complete", { detail: "invalid-path" }],
  complete: ["conflict", "Cannot append to a blob that is complete"],
});

type Blob = { readonly size: number; readonly stored: number; readonly owners: readonly string[] };

/** The slice: every complete blob that a subject stored. Bound: what retention keeps. */
export interface Cas {
  readonly blobs: Table<Blob>;
}

/** What others may ask. */
export interface CasView {
  /** Size of a complete blob that the subject stored, undefined when it stored none. */
  sizeFor(digest: string, subject: string): number | undefined;
  size(digest: string): number | undefined;
}

/** Who else may open a digest: jobs that are leased name some. */
interface Uses {
  readonly leases: { opens(subject: string, digest: string): boolean };
}

/** What the app passes in. */
export interface CasDeps {
  readonly blobs: Blobs;
}

const digestPattern = /^[0-9a-f]{64}$/;

const events = {
  "stored@1": (
    { blobs }: Cas,
    { digest, size, subject }: { digest: string; size: number; subject: string },
    { time }: EventMeta,
  ) => {
    const known = blobs.get(digest);
    const owners = known?.owners ?? [];
    if (owners.includes(subject)) return;
    blobs.set(digest, { size, stored: known?.stored ?? time, owners: [...owners, subject] });
  },
  "dropped@1": ({ blobs }: Cas, { digests }: { digests: readonly string[] }) => {
    for (const digest of digests) blobs.delete(digest);
  },
} as const;
const emit = emitter(events);

function opens(state: Cas, { leases }: Uses, { role, subject }: Caller, digest: string): boolean {
  if (role === "queen") return true;
  return state.blobs.get(digest)?.owners.includes(subject) === true || leases.opens(subject, digest);
}

class Uploading implements BlobHandle {
  readonly #blobs: Blobs;
  readonly #digest: string;
  readonly #known: number | undefined;
  readonly #owned: boolean;
  #upload: ReturnType<Blobs["upload"]> | undefined;
  #size = 0;

  constructor(blobs: Blobs, digest: string, known: number | undefined, owned: boolean) {
    this.#blobs = blobs;
    this.#digest = digest;
    this.#known = known;
    this.#owned = owned;
  }

  get size(): number {
    return this.#upload ? this.#size : (this.#known ?? 0);
  }

  read(offset: number, count: number): Promise<Uint8Array> {
    if (this.#known === undefined) throw fault.absent(this.#digest);
    return this.#blobs.read(this.#digest, offset, count);
  }

  async append(bytes: Uint8Array): Promise<boolean> {
    // Whoever has not stored these bytes proves to have them by sending them, although they are here.
    if (this.#owned) throw fault.complete(this.#digest);
    this.#upload ??= this.#blobs.upload(this.#digest);
    const complete = await this.#upload.append(bytes);
    this.#size += bytes.length;
    return complete;
  }

  async close(): Promise<void> {
    await this.#upload?.close();
  }
}

/** `/cas/<digest>`: bytes by digest, visible to who stored them and to whom a lease names them. */
export function casProvider({ blobs }: CasDeps): Provider {
  return defineProvider<Cas, Uses>({
    name: "cas",
    doc: "Bytes by digest",
    uses: ["leases"],
    initial: (scope: Scope) => ({ blobs: scope.table("blobs") }),
    events,
    effects: {
      unlink: {
        recover: "retry",
        run: async ({ digest }: { digest: string }) => {
          await blobs.remove(digest);
          return undefined;
        },
      },
    },
    offers: {
      cas: (state): CasView => ({
        size: (digest) => state.blobs.get(digest)?.size,
        sizeFor: (digest, subject) => {
          const blob = state.blobs.get(digest);
          return blob?.owners.includes(subject) ? blob.size : undefined;
        },
      }),
    },
    mounts: (t) => ({
      "/cas": t.each(
        "Blobs by SHA-256 digest; append the bytes of a new one to its name",
        "digest",
        {
          list: () => [],
          has: (name) => digestPattern.test(name),
        },
        t.blob("The bytes of one digest", {
          size: ({ state, views, caller, params }) => {
            const digest = params.digest ?? "";
            return opens(state, views, caller, digest) ? state.blobs.get(digest)?.size : undefined;
          },
          open: ({ state, views, caller, params }) => {
            const digest = params.digest ?? "";
            if (!digestPattern.test(digest)) throw fault.digest(digest);
            const known = opens(state, views, caller, digest) ? state.blobs.get(digest)?.size : undefined;
            const owned = state.blobs.get(digest)?.owners.includes(caller.subject) === true;
            return new Uploading(blobs, digest, known, owned);
          },
          complete: ({ size }, { params, caller }) => ({
            events: [emit("stored@1", { digest: params.digest ?? "", size, subject: caller.subject })],
          }),
        }),
      ),
    }),
  });
}
