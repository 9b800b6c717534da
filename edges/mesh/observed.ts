import type { Libp2pOptions } from "libp2p";
import type { DialReport } from "./dial-report.ts";

/** How libp2p is given a transport. */
export type Factory = NonNullable<Libp2pOptions["transports"]>[number];

/** The transport with every dial of it watched. */
export function observed(factory: Factory, report: DialReport): Factory {
  return (components) => {
    const transport = factory(components);
    const dial = transport.dial.bind(transport);
    return Object.assign(transport, {
      dial: ((address, options) =>
        report.watch(address.toString(), options.signal, () => dial(address, options))) satisfies typeof dial,
    });
  };
}
