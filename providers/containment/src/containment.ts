import { type Build, defineProvider, type Json, type Node, type Provider } from "@skep/kernel";
import { escapeForeign } from "@skep/text";
import { commandOf, ContainCommand } from "./command.ts";
import { type At, decide, expire, nextEnd } from "./decide.ts";
import { endsBy, Refusals } from "./refusal.ts";
import { type Banned, type Containment, events, initial, type Lifted } from "./state.ts";

const lift = {
  class: "reversible",
  inverse: (_command: unknown, _at: unknown, result: Json) => ({
    command: { op: "lift", ban: (result as { readonly ban: string }).ban },
  }),
  target: (command: ContainCommand, { state }: At): Json => targetNow(command, state),
} as const;

/** What approvers saw: whether the ban that is lifted still stands. */
function targetNow(command: ContainCommand, { bans }: Containment): Json {
  return command.op === "lift" ? (bans.get(command.ban) ?? null) : null;
}

function controlNode(t: Build<Containment, Record<string, never>>): Node {
  return t.control("Ban something for a while, or lift a ban; one JSON object per line", {
    input: ContainCommand,
    right: "contain",
    undo: "reversible",
    acts: {
      quarantine: lift,
      block: lift,
      freeze: lift,
      revoke: lift,
      drain: lift,
      lift: {
        class: "reversible",
        inverse: (command: ContainCommand, { state, now }: At) => {
          const ban = command.op === "lift" ? state.bans.get(command.ban) : undefined;
          const { target = "drain:*", reason = "", until = now } = ban ?? {};
          return { command: commandOf(target, reason, until) };
        },
        target: (command: ContainCommand, { state }: At): Json => targetNow(command, state),
      },
    },
    examples: [
      '{"op":"quarantine","module":"<sha256>","reason":"mines coins","for_s":86400}',
      '{"op":"quarantine","class":"task/shell","reason":"under review"}',
      '{"op":"block","subject":"ann","reason":"laptop stolen"}',
      '{"op":"freeze","worker":"w-abcdefghijkl","reason":"odd results"}',
      '{"op":"revoke","ticket":"<block id>","reason":"leaked"}',
      '{"op":"drain","worker":"*","reason":"new kernel"}',
      '{"op":"lift","ban":"17"}',
    ],
    decide: (command, at) => decide(command, at),
  });
}

/** `/policy/contain` and `/policy/bans`: what is kept from acting for a while. Offers the view `bans` to the gate. */
export function containmentProvider(): Provider {
  return defineProvider<Containment>({
    name: "containment",
    doc: "Bans, each with its owner, a reason and an end",
    initial,
    events,
    offers: { bans: (state) => new Refusals(state) },
    notify: {
      "banned@1": ({ ban, target, reason }: Banned, { subject }, runtime) => {
        const ended = runtime.closeSessions((session) => endsBy(target, session));
        runtime.log(`ban ${ban} on ${target} by ${subject}: ${reason}; ${ended} sessions ended`);
      },
      "lifted@1": ({ bans, why }: Lifted, _meta, runtime) => runtime.log(`bans ${bans.join(", ")} ${why}`),
    },
    touches: {
      "banned@1": ({ target }: Banned) => ["/policy/bans", `ban:${target}`],
      "lifted@1": () => "/policy/bans",
    },
    tick: { next: nextEnd, decide: expire },
    mounts: (t) => ({
      "/policy/contain": controlNode(t),
      "/policy/bans": t.text("What is banned, by whom, until when and why", {
        render: ({ state }) =>
          [...state.bans.entries()]
            .map(([id, { op, target, by, at, until, reason }]) =>
              escapeForeign(
                `ban=${id} op=${op} target=${target} by=${by} at_ms=${at} until_ms=${until} reason=${reason}`,
                { form: "wire" },
              ),
            )
            .map((line) => `${line}\n`)
            .join(""),
        json: ({ state }) => [...state.bans.entries()].map(([id, ban]): Json => ({ ban: id, ...ban })),
      }),
    }),
  });
}
