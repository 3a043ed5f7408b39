import { LongwireError } from "../../../base/index.ts";
import { basicAuthorization, credentialsOf, type Credentials } from "../credentials.ts";
import { remoteHostOf, type RemoteHost } from "../route/remote-host.ts";

/** A proxy, and how to connect to it. */
export interface Proxy extends RemoteHost {
  kind: "http" | "socks5";
  /** Its URL without user name and password, for messages. */
  name: string;
  /** Whether the connection to it uses TLS. */
  secure: boolean;
  /** Whether it resolves host names itself. */
  looksUp: boolean;
  credentials: Credentials | undefined;
}

/** The proxy for connections: a fixed one, the one from the environment, or none. */
export type ProxyChoice = Proxy | "environment" | undefined;

const KINDS: Readonly<Record<string, Pick<Proxy, "kind" | "secure" | "looksUp">>> = {
  "http:": { kind: "http", secure: false, looksUp: true },
  "https:": { kind: "http", secure: true, looksUp: true },
  "socks5:": { kind: "socks5", secure: false, looksUp: false },
  "socks5h:": { kind: "socks5", secure: false, looksUp: true },
};

/** SOCKS stores the length in one byte. (RFC 1929 §2) */
const MAX_SOCKS_CREDENTIAL_BYTES = 255;

/** Reads the option `proxy`. @throws LongwireError `invalid_proxy`, `invalid_credentials` */
export function proxyChoice(given: string | URL | false | undefined): ProxyChoice {
  if (given === undefined || given === false) return undefined;
  return given === "environment" ? "environment" : parseProxy(String(given), "The proxy option");
}

/**
 * Parses a proxy's URL. Without a scheme it is `http:`, as in the environment.
 *
 * @param source names its origin in errors, which must not contain its password
 * @throws LongwireError `invalid_proxy`, `invalid_credentials`
 */
export function parseProxy(text: string, source: string): Proxy {
  const full = text.includes("://") ? text : `http://${text}`;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  if (url === undefined || url.hostname === "" || url.port === "0") {
    throw invalid(`${source} is not a proxy URL; use a form such as http://proxy.example:3128.`);
  }
  const kind = KINDS[url.protocol];
  if (kind === undefined) {
    const known = "http:, https:, socks5: and socks5h:";
    throw invalid(`${source} has the scheme ${url.protocol}; use one of ${known}.`);
  }
  const name = `${url.protocol}//${url.host}`;
  const credentials = credentialsOf(url, `the proxy ${name}`);
  const proxy = { ...kind, ...remoteHostOf(url), name, credentials };
  checkCredentials(proxy);
  return proxy;
}

/**
 * Rejects credentials that cannot be sent when the option is set, not later when they would be
 * sent.
 */
function checkCredentials({ kind, name, credentials }: Proxy): void {
  if (credentials === undefined) return;
  if (kind === "http") {
    basicAuthorization(credentials, `the proxy ${name}`);
    return;
  }
  const { username, password } = credentials;
  const longest = Math.max(username.length, password.length);
  if (username.length === 0 || longest > MAX_SOCKS_CREDENTIAL_BYTES) {
    const message = `The user name of the proxy ${name} has ${username.length} bytes and its password ${password.length}; SOCKS5 requires 1 to 255 bytes and at most 255 bytes.`;
    throw new LongwireError("invalid_credentials", message);
  }
}

function invalid(message: string): LongwireError {
  return new LongwireError("invalid_proxy", message);
}
