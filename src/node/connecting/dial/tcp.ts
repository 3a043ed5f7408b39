import { ADDRCONFIG, lookup as lookUpName, type LookupAddress } from "node:dns";
import { connect, isIP, type Socket, type TcpNetConnectOpts } from "node:net";
import type { RemoteHost } from "../route/remote-host.ts";

/** The options of Node's `net.connect` that can be set. */
export type TcpOptions = Pick<
  TcpNetConnectOpts,
  | "autoSelectFamily"
  | "autoSelectFamilyAttemptTimeout"
  | "family"
  | "hints"
  | "keepAlive"
  | "keepAliveInitialDelay"
  | "localAddress"
  | "lookup"
>;

/**
 * Returns a host's addresses, in the resolver's order.
 *
 * @throws the error of the lookup
 */
export function addressesOf(host: string, tcp: TcpOptions = {}): Promise<LookupAddress[]> {
  const literal = isIP(host);
  if (literal !== 0) return Promise.resolve([{ address: host, family: literal }]);
  const { family = 0, hints = family === 0 ? ADDRCONFIG : 0 } = tcp;
  const lookup = tcp.lookup ?? lookUpName;
  return new Promise((resolve, reject) => {
    lookup(host, { all: true, family, hints }, (error, found, foundFamily) => {
      if (error) return reject(error);
      // A custom lookup function may ignore `all` and return a single address.
      const one = { address: found as string, family: foundFamily ?? isIP(found as string) };
      const addresses = Array.isArray(found) ? found : [one];
      const isUsable = addresses.length > 0 && addresses.every(({ address }) => isIP(address) > 0);
      if (isUsable) resolve(addresses);
      else reject(new Error(`the lookup of ${host} did not return an IP address`));
    });
  });
}

/** Connects to known addresses; Node races several of them. (RFC 8305) */
export function connectTcp(
  { host, port }: RemoteHost,
  addresses: readonly LookupAddress[],
  tcp: TcpOptions = {},
): Socket {
  return connect({
    ...tcp,
    host,
    port,
    lookup: (_, options, found) => {
      const { address, family } = addresses[0]!;
      if (options.all === true) found(null, [...addresses]);
      else found(null, address, family);
    },
  });
}
