import type { MeshStream, ValueRule } from "@skep/edge-mesh";
import { faults } from "@skep/fault";
import { type Offer, parseOffer } from "@skep/invite";

/** What may go wrong between a hive and a volunteer. */
export const fault = faults("volunteer", {
  unknown: [
    "absent",
    "Cannot engage volunteer: no offer of it that counts was found",
    { cure: "Look with `skep volunteers`, and wait until it is listed" },
  ],
  silent: ["timeout", "Cannot engage volunteer: it does not answer"],
  answer: ["invalid", "Cannot read the volunteer's answer"],
});

/** Where a job is offered to a volunteer, in the words of the original. */
export const offerProtocol = "/phase/job-offer/1.0.0";
/** Where a hive hands the invitation to a volunteer that accepted. */
export const invitationProtocol = "/skep/invitation/1";
/** First word of the keys of offers in the table. */
const space = "skep-offer";
/** Milliseconds that either side waits for the other. */
export const patience = 15_000;

/** Key of the providers of a kind of work on an architecture. */
export const capabilityKey = (arch: string): string => `/phase/capability/${arch}/wasm`;
export const offerKey = (node: string): string => `/${space}/${node}`;

/** Architectures that are looked for, as the original names them. */
export const architectures = ["x86_64", "aarch64"] as const;
export const archOf = (arch: string): string =>
  ({ x64: "x86_64", arm64: "aarch64" })[arch] ?? arch.replaceAll(/[^\w.-]/g, "-");

/** An offer that stands under a key. Throws `offer.*`. */
export function offerUnder(key: string, value: Uint8Array, now: number): Offer {
  const offer = parseOffer(Buffer.from(value).toString(), now);
  if (offerKey(offer.node) !== key) throw fault.unknown("it is another machine's");
  return offer;
}

/** Which offers the table keeps and believes: signed by the machine whose key they stand under, and not over. */
export function offerValues(now: () => number): Readonly<Record<string, ValueRule>> {
  const madeAt = (value: Uint8Array): number => parseOffer(Buffer.from(value).toString(), now()).made;
  return {
    [space]: {
      check: (key, value) => void offerUnder(key, value, now()),
      compare: (one, other) => madeAt(one) - madeAt(other),
    },
  };
}

/** One line from a stream, without its end; what comes after it is not waited for. */
export async function lineFrom(stream: MeshStream, most: number): Promise<string> {
  let text = "";
  for await (const bytes of stream) {
    text += Buffer.from(bytes).toString("latin1");
    const end = text.indexOf("\n");
    if (end >= 0) return Buffer.from(text.slice(0, end), "latin1").toString();
    if (text.length > most) break;
  }
  throw fault.answer(text.length > most ? "it is too long" : "it ended early");
}
