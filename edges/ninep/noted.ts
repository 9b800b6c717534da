import { toFault } from "@skep/fault";
import type { Session } from "@skep/kernel";
import type { Awaitable } from "@skep/ninep";

/** Does something for a session; it keeps what is refused, of which 9P itself carries no more than an errno. */
export function noted<T>(session: Session, act: () => Awaitable<T>): Awaitable<T> {
  const refuse = (thrown: unknown): never => {
    session.refused(toFault(thrown));
    throw thrown;
  };
  try {
    const done = act();
    return done instanceof Promise ? done.catch(refuse) : done;
  } catch (thrown) {
    return refuse(thrown);
  }
}
