import { z } from "zod";

/** Longest payload of a frame on the air, bytes. */
const mostData = 255;
/** Packets that one datagram may tell of: as many as the newest forwarders put into one. */
export const mostPackets = 255;

// The protocol's own examples have base64 of either alphabet, and without padding.
const data = z
  .string()
  .max(4 * Math.ceil(mostData / 3))
  .regex(/^[A-Za-z0-9+/_-]*={0,2}$/)
  .transform((text): Buffer => Buffer.from(text, "base64"));
const u32 = z.int().min(0).max(0xffff_ffff);
const count = z.int().min(0).max(Number.MAX_SAFE_INTEGER);
const lora = /^SF(5|6|7|8|9|10|11|12)BW(\d{1,4})$/;
/** A LoRa data rate such as `SF7BW125`, or bits per second of FSK. */
const datr = z.union([z.string().regex(lora), z.int().min(1).max(1_000_000)]);
const codr = z.string().regex(/^(4\/[5-8]|4\/[5-8]LI|OFF|[12]\/[234])$/);
const text = z.string().max(40);
const freq = z.number().min(1).max(10_000);

const sized = <T extends { readonly size: number; readonly data: Buffer }>({ size, data: bytes }: T) =>
  bytes.length === size && size <= mostData;
const unsized = <T extends { readonly size: number }>({ size: _told, ...rest }: T): Omit<T, "size"> => rest;

const RxpkJson = z
  .object({
    time: text.optional(),
    tmst: u32,
    chan: z.int().min(0).max(255).optional(),
    rfch: z.int().min(0).max(255).optional(),
    freq,
    stat: z.union([z.literal(1), z.literal(0), z.literal(-1)]).default(0),
    modu: z.enum(["LORA", "FSK"]),
    datr,
    codr: codr.optional(),
    rssi: z.number().min(-500).max(100),
    lsnr: z.number().min(-200).max(200).optional(),
    size: z.int().min(0).max(mostData),
    data,
  })
  .refine(({ modu, datr: rate }) => (modu === "LORA") === (typeof rate === "string"))
  .refine(sized)
  .transform(unsized);
/** A frame that a gateway heard; `stat` is 1 with a good checksum, -1 with a bad one, 0 without. */
export type Rxpk = z.output<typeof RxpkJson>;

const Stat = z.object({
  time: text.optional(),
  lati: z.number().min(-90).max(90).optional(),
  long: z.number().min(-180).max(180).optional(),
  alti: z.number().min(-20_000).max(100_000).optional(),
  rxnb: count.optional(),
  rxok: count.optional(),
  rxfw: count.optional(),
  ackr: z.number().min(0).max(100).optional(),
  dwnb: count.optional(),
  txnb: count.optional(),
});
/** What a gateway counted since it told last. */
export type GatewayStat = z.output<typeof Stat>;

const TxpkJson = z
  .object({
    imme: z.boolean().optional(),
    tmst: u32.optional(),
    freq,
    rfch: z.int().min(0).max(255),
    powe: z.int().min(0).max(40),
    modu: z.enum(["LORA", "FSK"]),
    datr,
    codr: codr.optional(),
    fdev: z.int().min(0).max(250_000).optional(),
    ipol: z.boolean().optional(),
    prea: z.int().min(0).max(65_535).optional(),
    ncrc: z.boolean().optional(),
    size: z.int().min(0).max(mostData),
    data,
  })
  .refine(({ modu, datr: rate }) => (modu === "LORA") === (typeof rate === "string"))
  .refine(sized)
  .transform(unsized);
/** A frame that a gateway is to send: at once, or when its counter of microseconds is at `tmst`. */
export type Txpk = z.output<typeof TxpkJson>;

const word = z.string().regex(/^[A-Z0-9_]{1,40}$/);
const Ack = z.object({
  error: word.optional(),
  /** It sends, and not quite so as it was asked to. */
  warn: word.optional(),
  value: z.union([z.number(), text]).optional(),
});
/** What a gateway made of a frame that it was to send. */
export type TxpkAck = z.output<typeof Ack>;

/** Whether a gateway took a frame, to send it. */
export const isSent = ({ error = "NONE" }: TxpkAck): boolean => error === "NONE";

/** Bodies of datagrams. What they have besides is passed over, as gateways of many makers have more. */
export const bodies = {
  push: z.object({ rxpk: z.array(z.unknown()).max(mostPackets).optional(), stat: z.unknown().optional() }),
  resp: z.object({ txpk: TxpkJson }),
  ack: z.object({ txpk_ack: Ack.default({}) }),
  rxpk: RxpkJson,
  stat: Stat,
} as const;

/** A packet as it stands in a body. */
export function packetJson<P extends { readonly data: Buffer }>({ data: bytes, ...rest }: P) {
  return { ...rest, size: bytes.length, data: bytes.toString("base64") };
}

/** The spreading factor, and the bandwidth in kilohertz, of a LoRa data rate; undefined where it is none. */
export function parseRate(name: string): { readonly sf: number; readonly bw: number } | undefined {
  const [, sf, bw] = lora.exec(name) ?? [];
  return sf === undefined || Number(bw) === 0 ? undefined : { sf: Number(sf), bw: Number(bw) };
}

/** The name of such a rate. */
export const rateName = ({ sf, bw }: { readonly sf: number; readonly bw: number }): string =>
  `SF${sf}BW${bw}`;
