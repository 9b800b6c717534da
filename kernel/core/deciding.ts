import type { Caller, Deciding, Scene } from "../namespace/node.ts";
import type { Found } from "../namespace/place.ts";
import type { Bound } from "./slices.ts";

/** What a decision sees. A class, so that chance can be drawn late without a getter made for each decision. */
export class DecisionScene implements Deciding {
  readonly state: unknown;
  readonly views: unknown;
  readonly params: Scene["params"];
  readonly path: string;
  readonly caller: Caller;
  readonly now: number;
  readonly seq: number;
  readonly next: number;
  readonly ring: Scene["ring"];
  readonly #chance: () => string;
  #drawn: string | undefined;

  constructor(
    bound: Bound | undefined,
    { params, path }: Found,
    caller: Caller,
    at: {
      readonly now: number;
      readonly next: number;
      readonly ring: Scene["ring"];
      readonly chance: () => string;
    },
  ) {
    this.state = bound?.slice;
    this.views = bound?.views ?? {};
    this.params = params;
    this.path = path;
    this.caller = caller;
    this.now = at.now;
    this.seq = at.next - 1;
    this.next = at.next;
    this.ring = at.ring;
    this.#chance = at.chance;
  }

  // Few decisions need chance, and drawing it costs more than they do.
  get chance(): string {
    this.#drawn ??= this.#chance();
    return this.#drawn;
  }
}
