import { createHash } from "node:crypto";
import { LiveError, type Credentials } from "longwire/live";
import { browserIdIn } from "./browser-links.ts";
import type { Client } from "./client.ts";

/** Begins the `id` of every visitor, and of no device. */
const VISITOR = "visitor:";

const MAX_NAME_LENGTH = 255;

/**
 * Identifies a client. An agent names its device in the query; agents that do not are visitors, and
 * may report all the same. The monitor asks nobody to sign in, so only programs of this machine and
 * the monitor's own page on it may act.
 *
 * @throws LiveError `unauthorized` for a name that no device can have
 */
export function identify({ query, header, remoteAddress = "" }: Credentials): Client {
  const hops = hopsOf(header);
  const isLocal = [remoteAddress, ...hops].every(isLoopback);
  const mayAct = isLocal && isOwnOrigin(header("origin"), header("host"));
  const device = query.get("device");
  if (device === null) {
    // An identity has its own share of the server's memory, so that elsewhere an address is one
    // visitor, whatever cookies it makes up.
    const browser = isLocal ? browserIdIn(header("cookie")) : undefined;
    const visitor = browser ?? hops.at(-1) ?? remoteAddress;
    return { id: visitorId(visitor), isDevice: false, mayAct };
  }
  if (device === "" || device.length > MAX_NAME_LENGTH || device.startsWith(VISITOR)) {
    const message = `The device's name must have 1 to ${MAX_NAME_LENGTH} characters and not begin with ${VISITOR}; rename it.`;
    throw new LiveError("unauthorized", message);
  }
  return { id: device, isDevice: true, mayAct };
}

/** Whether a page of this origin is the server's own. A program sends no origin. */
export function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).host === host;
}

function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./.test(address) || address === "::1";
}

/** Returns the addresses that a proxy on this machine had the request from. */
function hopsOf(header: Credentials["header"]): string[] {
  const hops = [header("forwarded"), header("x-forwarded-for")?.split(",") ?? []].flat();
  return hops.flatMap((hop) => (hop === undefined ? [] : [hop.trim()]));
}

/** Others see the name of a visitor, and must not learn the browser's cookie from it. */
function visitorId(visitor: string): string {
  return VISITOR + createHash("sha256").update(visitor).digest("hex").slice(0, 12);
}
