import { LongwireError } from "../../base/index.ts";
import { basicAuthorization, credentialsOf, type Credentials } from "./credentials.ts";
import { remoteHostOf, type RemoteHost } from "./remote-host.ts";

/** A proxy, and how to speak to it. */
export interface Proxy extends RemoteHost {
  kind: "http" | "socks5";
  /** Its URL without user name and password, for people. */
  name: string;
  /** Whether it is spoken to over TLS. */
  secure: boolean;
  /** Whether it looks host names up itself. */
  looksUp: boolean;
  credentials: Credentials | undefined;
}

/** Which proxy connections go through: one, what the environment says, or none. */
export type ProxyChoice = Proxy | "environment" | undefined;

const KINDS: Readonly<Record<string, Pick<Proxy, "kind" | "secure" | "looksUp">>> = {
  "http:": { kind: "http", secure: false, looksUp: true },
  "https:": { kind: "http", secure: true, looksUp: true },
  "socks5:": { kind: "socks5", secure: false, looksUp: false },
  "socks5h:": { kind: "socks5", secure: false, looksUp: true },
};

/** What SOCKS has one byte for. (RFC 1929 §2) */
const MAX_SOCKS_CREDENTIAL_BYTES = 255;

/** Reads the option `proxy`. @throws LongwireError `invalid_proxy`, `invalid_credentials` */
export function proxyChoice(given: string | URL | false | undefined): ProxyChoice {
  if (given === undefined || given === false) return undefined;
  return given === "environment" ? "environment" : parseProxy(String(given), "The option proxy");
}

/**
 * Reads a proxy's URL; without a scheme it is `http:`, as in the environment.
 *
 * @param source names where it comes from in errors, which must not show its password
 * @throws LongwireError `invalid_proxy`, `invalid_credentials`
 */
export function parseProxy(text: string, source: string): Proxy {
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || url.hostname === "" || url.port === "0") {
    throw invalid(`${source} is not a proxy's URL; give one like http://proxy.example:3128.`);
  }
  const kind = KINDS[url.protocol];
  if (kind === undefined) {
    const known = "http:, https:, socks5: and socks5h:";
    throw invalid(`${source} has the scheme ${url.protocol}, which is none of ${known}.`);
  }
  const name = `${url.protocol}//${url.host}`;
  const credentials = credentialsOf(url, `the proxy ${name}`);
  const proxy = { ...kind, ...remoteHostOf(url), name, credentials };
  checkCredentials(proxy);
  return proxy;
}

/** What cannot be sent is refused when it is set, not when it would be sent. */
function checkCredentials({ kind, name, credentials }: Proxy): void {
  if (credentials === undefined) return;
  if (kind === "http") {
    basicAuthorization(credentials, `the proxy ${name}`);
    return;
  }
  const { username, password } = credentials;
  const longest = Math.max(username.length, password.length);
  if (username.length === 0 || longest > MAX_SOCKS_CREDENTIAL_BYTES) {
    const message = `The user name of the proxy ${name} has ${username.length} bytes and its password ${password.length}; SOCKS5 takes 1 to 255 and at most 255.`;
    throw new LongwireError("invalid_credentials", message);
  }
}

function invalid(message: string): LongwireError {
  return new LongwireError("invalid_proxy", message);
}
