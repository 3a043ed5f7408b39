import { BlockList, isIP } from "node:net";
import { LongwireError } from "../../base/index.ts";

/** What tells whose request it is: the address of the connection, and what proxies add. */
export interface Addressed {
  readonly remoteAddress: string | undefined;
  header(name: string): string | undefined;
}

/**
 * Finds out which client a request comes from, where proxies stand before the server.
 *
 * Only what a named proxy adds is believed: anybody can send the header.
 */
export class ClientAddresses {
  readonly #trusted: BlockList;
  readonly #onUnnamedProxy: (address: string) => void;
  #hasWarned = false;

  /**
   * @param trustedProxies addresses, or subnets such as `10.0.0.0/8`
   * @param onUnnamedProxy called once, when a request came through a proxy that is not named
   * @throws LongwireError `invalid_address`
   */
  constructor(trustedProxies: readonly string[], onUnnamedProxy: (address: string) => void) {
    this.#trusted = blockListOf(trustedProxies);
    this.#onUnnamedProxy = onUnnamedProxy;
  }

  /** The client's address: that of the connection, or the one that a named proxy says. */
  of(request: Addressed): string | undefined {
    const direct = request.remoteAddress;
    const address = direct === undefined ? undefined : plainAddress(direct);
    // Connections over Unix sockets have no address.
    if (address === undefined) return direct;
    if (!this.#isTrusted(address)) {
      if (!this.#hasWarned && forwardedFor(request).length > 0) this.#warn(address);
      return address;
    }
    return this.#lastUntrusted(forwardedFor(request)) ?? address;
  }

  /** Each proxy adds the one that it heard from at the end, so what is believed is read backwards. */
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
 * The name of the payer that an address stands for: of IPv6 the subnet, since one host may have all
 * 2^64 addresses of it.
 */
export function payerOfAddress(address: string | undefined): string {
  if (address === undefined || !address.includes(":")) return `address ${address ?? "unknown"}`;
  return `address ${subnet64(address)}`;
}

/** The first four groups of an IPv6 address. */
function subnet64(address: string): string {
  const [head = "", tail] = address.split("%")[0]!.split("::");
  const groups = head === "" ? [] : head.split(":");
  const rest = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - rest.length);
  const all = [...groups, ...Array<string>(zeros).fill("0"), ...rest];
  return `${all.slice(0, 4).join(":")}::/64`;
}

/** An address without a port, brackets or the prefix of a mapped IPv4 one. */
function plainAddress(text: string): string | undefined {
  const bare = /^\[(.*)\](?::\d+)?$/.exec(text)?.[1] ?? text;
  const unported = /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(bare)?.[1] ?? bare;
  const unmapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(unported)?.[1] ?? unported;
  return isIP(unmapped) === 0 ? undefined : unmapped.toLowerCase();
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return address.includes(":") ? "ipv6" : "ipv4";
}

/** The clients and proxies that a request came through, the first one first. (RFC 7239 §5.2) */
function forwardedFor(request: Addressed): string[] {
  const forwarded = request.header("forwarded");
  if (forwarded === undefined) return listOf(request.header("x-forwarded-for"));
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
    const message = `trustedProxies is ${JSON.stringify(addresses) ?? String(addresses)}; give a list such as ["10.0.0.7", "10.0.0.0/8"].`;
    throw new LongwireError("invalid_address", message);
  }
  for (const text of addresses) {
    const [address = "", prefix] = String(text).split("/");
    try {
      const family = familyOf(address);
      if (prefix === undefined) list.addAddress(address, family);
      else list.addSubnet(address, Number(prefix), family);
    } catch (cause) {
      const message = `The trusted proxy ${JSON.stringify(text)} is not an address; give one such as 10.0.0.7 or 10.0.0.0/8.`;
      throw new LongwireError("invalid_address", message, { cause });
    }
  }
  return list;
}
