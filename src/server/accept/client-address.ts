import { BlockList, isIP } from "node:net";
import { LongwireError } from "../../base/index.ts";

/**
 * The parts of a request that identify its client: the address of the connection, and the headers
 * that proxies add.
 */
export interface Addressed {
  readonly remoteAddress: string | undefined;
  header(name: string): string | undefined;
}

/**
 * Determines the client's address when there are proxies in front of the server.
 *
 * Only entries that a trusted proxy added are used, because any client can send the headers.
 */
export class ClientAddresses {
  readonly #trusted: BlockList;
  readonly #onUnnamedProxy: (address: string) => void;
  #hasWarned = false;

  /**
   * @param trustedProxies addresses, or subnets such as `10.0.0.0/8`
   * @param onUnnamedProxy called once, when a request arrives through a proxy that is not trusted
   * @throws LongwireError `invalid_address`
   */
  constructor(trustedProxies: readonly string[], onUnnamedProxy: (address: string) => void) {
    this.#trusted = blockListOf(trustedProxies);
    this.#onUnnamedProxy = onUnnamedProxy;
  }

  /** Returns the address of the connection, or the address that a trusted proxy reports. */
  of(request: Addressed): string | undefined {
    const direct = request.remoteAddress;
    const address = direct === undefined ? undefined : plainAddress(direct);
    // Connections over Unix sockets have no address.
    if (address === undefined) return direct;
    if (!this.#isTrusted(address)) {
      if (!this.#hasWarned && isForwarded(request)) this.#warn(address);
      return address;
    }
    return this.#reported(request) ?? address;
  }

  /**
   * Returns the address that a trusted proxy reports. Most proxies write one of the two headers and
   * pass the other one on as the client sent it. If both are there and disagree, one is a client's
   * invention, so neither is used, and the proxy pays.
   */
  #reported(request: Addressed): string | undefined {
    const usual = this.#lastUntrusted(listOf(request.header("x-forwarded-for")));
    const standard = this.#lastUntrusted(standardHops(request.header("forwarded")));
    if (usual === undefined || standard === undefined) {
      const isAlone =
        request.header("forwarded") === undefined ||
        request.header("x-forwarded-for") === undefined;
      return isAlone ? (usual ?? standard) : undefined;
    }
    return usual === standard ? usual : undefined;
  }

  /** Each proxy appends the address of its client, so the list is trustworthy from the end only. */
  #lastUntrusted(hops: readonly string[]): string | undefined {
    let found: string | undefined;
    for (const hop of hops.toReversed()) {
      const address = plainAddress(hop);
      if (address === undefined) break;
      found = address;
      if (!this.#isTrusted(address)) break;
    }
    return found;
  }

  #isTrusted(address: string): boolean {
    return this.#trusted.check(address, familyOf(address));
  }

  #warn(address: string): void {
    this.#hasWarned = true;
    this.#onUnnamedProxy(address);
  }
}

/**
 * Returns the name of the payer for an address. For IPv6 it is the /64 subnet, because one host may
 * use all 2^64 addresses in it.
 */
export function payerOfAddress(address: string | undefined): string {
  if (address === undefined || !address.includes(":")) return `address ${address ?? "unknown"}`;
  return `address ${subnet64(address)}`;
}

/** Returns the first four groups of an IPv6 address. */
function subnet64(address: string): string {
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length);
  const all = [...groups, ...Array<string>(zeros).fill("0"), ...rest];
  return `${all.slice(0, 4).join(":")}::/64`;
}

/** Returns the address without a port, brackets or the prefix of an IPv4-mapped address. */
function plainAddress(text: string): string | undefined {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? text;
  const unported = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(bare)?.[1] ?? bare;
  const unmapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(unported)?.[1] ?? unported;
  return isIP(unmapped) === 0 ? undefined : unmapped.toLowerCase();
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}

function isForwarded(request: Addressed): boolean {
  return [request.header("forwarded"), request.header("x-forwarded-for")].some(
    (header) => listOf(header).length > 0,
  );
}

/**
 * Returns the clients and proxies in a `Forwarded` header, starting with the client. (RFC 7239
 * §5.2)
 */
function standardHops(forwarded: string | undefined): string[] {
  return listOf(forwarded).map((element) => {
    const pair = element.split(";").find((part) => /^\s*for=/i.test(part)) ?? "";
    return pair
      .slice(pair.indexOf("=") + 1)
      .trim()
      .replaceAll('"', "");
  });
}

function listOf(header: string | undefined): string[] {
  return header === undefined ? [] : header.split(",").map((item) => item.trim());
}

function blockListOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  if (!Array.isArray(addresses)) {
    const message = `trustedProxies is ${JSON.stringify(addresses) ?? String(addresses)}; pass a list such as ["10.0.0.7", "10.0.0.0/8"].`;
    throw new LongwireError("invalid_address", message);
  }
  for (const text of addresses) {
    const [address = "", prefix] = String(text).split("/");
    try {
      const family = familyOf(address);
      if (prefix === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(prefix), family);
    } catch (cause) {
      const message = `The trusted proxy ${JSON.stringify(text)} is not an IP address or a subnet; use a form such as 10.0.0.7 or 10.0.0.0/8.`;
      throw new LongwireError("invalid_address", message, { cause });
    }
  }
  return list;
}
