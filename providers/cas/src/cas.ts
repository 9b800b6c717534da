import { faults } from "@skep/fault";
import { type Blobs, type Caller, type Deciding, defineProvider, type Provider } from "@skep/kernel";
import { z } from "zod";
import { Admitted } from "./admitted.ts";
import {
  droppedNow,
  nextSweep,
  type Retention,
  retentionJson,
  standardRetention,
  sweep,
  type Uses,
} from "./retention.ts";
import { type Cas, emit, events, initial } from "./state.ts";
import { Turns, Uploading } from "./upload.ts";

export type { Cas } from "./state.ts";

const fault = faults("cas", {
  digest: ["invalid", "Cannot use a name that is no SHA-256 digest: 64 lower-case hex digits"],
});

/** What others may ask. */
export interface CasView {
  /** Size of a complete blob that the subject stored, undefined when it stored none. */
  sizeFor(digest: string, subject: string): number | undefined;
  size(digest: string): number | undefined;
}

/** What stands between a decision and the bytes that it lets go. */
export interface Keeper {
  /** Throws when a blob may not be removed. `effect` is the id of what removes it; empty for an upload that nobody took. */
  allow(digest: string, effect: string): Promise<void>;
}

/** What the app passes in. */
export interface CasDeps {
  readonly blobs: Blobs;
  /** How long blobs are kept while `/policy/ctl` says nothing; `standardRetention` where left out. */
  readonly retention?: Retention;
  /** Most bytes of one blob that is uploaded; 16 GiB where left out. */
  readonly most?: number;
  /** Whether another provider has these bytes in the same store: they stay then. */
  readonly held?: (digest: string) => boolean;
  /** Asked before each removal; everything is allowed where left out. */
  readonly keeper?: Keeper;
  /** Given what tells whether a blob is here, for others that remove bytes from the same store. */
  readonly opened?: (has: (digest: string) => boolean) => void;
}

const digestPattern = /^[0-9a-f]{64}$/;

const Command = z.strictObject({ op: z.literal("gc") }).meta({ id: "CasCommand" });

function opens(state: Cas, { leases }: Uses, { role, subject }: Caller, digest: string): boolean {
  if (role === "queen") return true;
  return state.blobs.get(digest)?.owners.includes(subject) === true || leases.opens(subject, digest);
}

const never = new AbortController().signal;
const nothing = { events: [], result: { blobs: 0, bytes: 0, more: false } };

/** `/cas/<digest>`: bytes by digest, visible to who stored them and to whom a lease names them; and their retention. */
export function casProvider({
  blobs,
  retention: first = standardRetention,
  most = 16 * 1024 ** 3,
  keeper,
  held,
  opened,
}: CasDeps): Provider {
  const turns = new Turns();
  const kept = (state: Cas): Retention => state.retention.get() ?? first;
  let present: Cas | undefined;
  const remove = (digest: string, signal: AbortSignal, effect = ""): Promise<void> =>
    turns.remove(digest, signal, async () => {
      // Stored again since it was let go: then it stays.
      if (present?.blobs.has(digest) || held?.(digest)) return;
      await keeper?.allow(digest, effect);
      await blobs.remove(digest);
    });
  return defineProvider<Cas, Uses>({
    name: "cas",
    doc: "Bytes by digest",
    uses: ["leases"],
    initial,
    events,
    opened: (state) => {
      present = state;
      opened?.((digest) => state.blobs.has(digest));
    },
    touches: {
      "stored@1": ({ digest }: { digest: string }) => `/cas/${digest}`,
      "dropped@1": ({ digests }: { digests: readonly string[] }) => digests.map((each) => `/cas/${each}`),
    },
    effects: {
      unlink: {
        recover: "retry",
        run: async ({ digest }: { digest: string }, { signal, id }) => {
          await remove(digest, signal, id);
          return undefined;
        },
      },
    },
    tick: {
      next: (state) => nextSweep(state, kept(state)),
      decide: (deciding) => sweep(deciding, kept(deciding.state)),
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
          entries: {
            ctl: t.control("Let blobs go that retention no longer keeps, a batch for each line", {
              input: Command,
              right: "collect",
              undo: "irreversible",
              acts: {
                gc: {
                  class: "irreversible",
                  data: true,
                  // Who signs, signs for these blobs and no others.
                  target: (_command, deciding: Deciding<Cas, Uses>) => ({
                    dropped: droppedNow(deciding, kept(deciding.state)),
                  }),
                },
              },
              // On a full disk it is the cure.
              outcome: true,
              examples: ['{"op":"gc"}'],
              decide: (_command, deciding) => sweep(deciding, kept(deciding.state)) ?? nothing,
            }),
            retention: t.text("How much is kept, and what would be let go now", {
              visible: ({ caller }) => caller.role === "queen" || caller.role === "observer",
              render: ({ state, views, now }) => {
                const { oldest: _, ...told } = retentionJson(state, views, kept(state), now);
                return Object.entries(told)
                  .map(([name, value]) => `${name}=${value}\n`)
                  .join("");
              },
              json: ({ state, views, now }) => retentionJson(state, views, kept(state), now),
            }),
          },
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
            const upload = new Uploading(blobs, turns, { digest, known, owned });
            return new Admitted(upload, most, () => void remove(digest, never).catch(() => undefined));
          },
          complete: ({ size }, { params, caller }) => ({
            events: [emit("stored@1", { digest: params.digest ?? "", size, subject: caller.subject })],
          }),
        }),
      ),
    }),
  });
}
