import { errno, Refusal } from "./guest.ts";
import type { World } from "./world.ts";

const subscriptionBytes = 48;
const eventBytes = 32;
const mostSubscriptions = 1_024;
const clockKind = 0;
const readKind = 1;
const absolute = 1;

interface Subscription {
  readonly user: bigint;
  readonly kind: number;
  readonly error: number;
  /** Nanoseconds until it is ready: 0 for a stream, whose next byte is always there or its end. */
  readonly wait: bigint;
}

function readSubscription({ guest, clock, stdio, files }: World, at: number): Subscription {
  const user = guest.getU64(at);
  const kind = guest.bytes(at + 8, 1)[0] ?? 0;
  try {
    if (kind > 2) throw new Refusal(errno.inval);
    if (kind !== clockKind) {
      const fd = guest.getU32(at + 16);
      if (files?.has(fd)) return { user, kind, error: 0, wait: 0n };
      stdio.open(fd);
      if ((kind === readKind) !== (fd === 0)) throw new Refusal(errno.badf);
      return { user, kind, error: 0, wait: 0n };
    }
    const now = clock.read(guest.getU32(at + 16));
    const timeout = guest.getU64(at + 24);
    const flags = guest.getU32(at + 40) & 0xffff;
    const wait = (flags & absolute) === 0 ? timeout : timeout - now;
    return { user, kind, error: 0, wait: wait > 0n ? wait : 0n };
  } catch (thrown) {
    if (thrown instanceof Refusal) return { user, kind, error: thrown.errno, wait: 0n };
    throw thrown;
  }
}

/** Answers what is ready first, in the order asked; waiting for a clock moves the job's time on and takes none. */
export function poll(world: World, from: number, to: number, count: number, done: number): number {
  const { guest, meter, clock } = world;
  if (count === 0 || count > mostSubscriptions) return errno.inval;
  meter.spend(64 * count);
  guest.place(from, subscriptionBytes * count);
  guest.place(to, eventBytes * count);
  guest.place(done, 4);
  const asked: Subscription[] = [];
  for (let n = 0; n < count; n++) asked.push(readSubscription(world, (from >>> 0) + n * subscriptionBytes));
  let wait = asked[0]?.wait ?? 0n;
  for (const one of asked) if (one.wait < wait) wait = one.wait;
  clock.sleep(wait);
  let ready = 0;
  for (const one of asked) {
    if (one.wait > wait) continue;
    const at = (to >>> 0) + eventBytes * ready++;
    const target = guest.bytes(at, eventBytes);
    target.fill(0);
    guest.setU64(at, one.user);
    target[8] = one.error;
    target[10] = one.kind;
    if (one.kind !== clockKind && one.error === 0) guest.setU64(at + 16, 1n);
  }
  guest.setU32(done, ready);
  return errno.success;
}
