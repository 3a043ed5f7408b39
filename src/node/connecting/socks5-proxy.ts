import type { Duplex } from "node:stream";
import { isIP } from "node:net";
import { readAnswer } from "./await-stream.ts";
import type { Credentials } from "./credentials.ts";
import type { Proxy } from "./proxy.ts";
import { ProxyError } from "./proxy-error.ts";
import type { RemoteHost } from "./remote-host.ts";

const VERSION = 0x05;
const CONNECT = 0x01;

const Method = { None: 0x00, Password: 0x02, NoneAcceptable: 0xff } as const;
const PASSWORD_VERSION = 0x01;
const AddressType = { IPv4: 0x01, Name: 0x03, IPv6: 0x04 } as const;

/** What a reply's code means. (RFC 1928 §6) */
const REPLIES = [
  "succeeded",
  "general failure",
  "not allowed by its rules",
  "network unreachable",
  "host unreachable",
  "connection refused",
  "time to live expired",
  "command not supported",
  "address type not supported",
];

/**
 * Asks a SOCKS5 proxy for a connection. (RFC 1928)
 *
 * @param target its host is an address or a name, which the proxy then looks up
 * @throws ProxyError
 */
export async function tunnelThroughSocks5(
  stream: Duplex,
  proxy: Proxy,
  target: RemoteHost,
): Promise<void> {
  const dialog = new Dialog(stream, proxy);
  await agreeOnMethod(dialog);
  await requestConnection(dialog, target);
}

async function agreeOnMethod(dialog: Dialog): Promise<void> {
  const { credentials, name } = dialog.proxy;
  const offered: number[] = [Method.None];
  if (credentials !== undefined) offered.push(Method.Password);
  dialog.send([VERSION, offered.length, ...offered]);
  const [version, method] = await dialog.read(2);
  if (version !== VERSION) throw dialog.malformed(`it speaks version ${version}`);
  if (method === Method.NoneAcceptable) {
    const wish = credentials === undefined ? "a user name and password" : "another way";
    const message = `The proxy ${name} lets nobody in like this; it may want ${wish} to authenticate.`;
    throw new ProxyError("proxy_authentication_failed", message, { proxy: name });
  }
  if (method === undefined || !offered.includes(method)) {
    throw dialog.malformed(`it chose the method ${method}, which was not offered`);
  }
  if (method === Method.Password && credentials) await authenticate(dialog, credentials);
}

/** (RFC 1929 §2) */
async function authenticate(dialog: Dialog, { username, password }: Credentials): Promise<void> {
  const { name } = dialog.proxy;
  dialog.send([PASSWORD_VERSION, username.length, ...username, password.length, ...password]);
  const [version, status] = await dialog.read(2);
  if (version !== PASSWORD_VERSION) throw dialog.malformed(`its answer has version ${version}`);
  if (status === 0) return;
  const message = `The proxy ${name} refused the user name and password of its URL; check them.`;
  throw new ProxyError("proxy_authentication_failed", message, { proxy: name });
}

async function requestConnection(dialog: Dialog, target: RemoteHost): Promise<void> {
  const port = [target.port >> 8, target.port & 0xff];
  dialog.send([VERSION, CONNECT, 0, ...addressBytes(dialog, target), ...port]);
  const [version, reply = 0, , type] = await dialog.read(4);
  if (version !== VERSION) throw dialog.malformed(`its reply has version ${version}`);
  if (reply !== 0) {
    const { name } = dialog.proxy;
    const meaning = REPLIES[reply] ?? "unknown";
    const message = `The proxy ${name} did not connect to ${target.host}:${target.port}: ${meaning} (${reply}); check the address and what it lets through.`;
    throw new ProxyError("proxy_refused", message, { proxy: name });
  }
  // The address that the proxy connects from: of no use here, but its length must be known.
  if (type === AddressType.IPv4) await dialog.read(4 + 2);
  else if (type === AddressType.IPv6) await dialog.read(16 + 2);
  else if (type === AddressType.Name) await dialog.read((await dialog.read(1))[0]! + 2);
  else throw dialog.malformed(`its reply has an address of type ${type}`);
}

/** The address with its type before it. (RFC 1928 §4, §5) */
function addressBytes({ proxy }: Dialog, { host }: RemoteHost): number[] {
  const family = isIP(host);
  if (family === 4) return [AddressType.IPv4, ...host.split(".").map(Number)];
  if (family === 6) return [AddressType.IPv6, ...ipv6Bytes(host)];
  const bytes = Buffer.from(host, "latin1");
  if (bytes.length > 255) {
    const message = `The host name has ${bytes.length} bytes, and SOCKS5 carries at most 255; use a shorter one.`;
    throw new ProxyError("proxy_refused", message, { proxy: proxy.name });
  }
  return [AddressType.Name, bytes.length, ...bytes];
}

function ipv6Bytes(address: string): number[] {
  // The URL parser writes every form as groups of hexadecimal digits with at most one "::".
  const { hostname } = new URL(`http://[${address.replace(/%.*$/, "")}]`);
  const [before = [], after = []] = hostname
    .slice(1, -1)
    .split("::")
    .map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => "0");
  return [...before, ...zeros, ...after].flatMap((group) => {
    const value = Number.parseInt(group, 16);
    return [value >> 8, value & 0xff];
  });
}

/** Messages of known length, to and fro. */
class Dialog {
  readonly proxy: Proxy;
  readonly #stream: Duplex;

  constructor(stream: Duplex, proxy: Proxy) {
    this.#stream = stream;
    this.proxy = proxy;
  }

  send(bytes: readonly number[]): void {
    this.#stream.write(Buffer.from(bytes));
  }

  /** Reads this many bytes and leaves what follows in the stream. */
  read(size: number): Promise<Uint8Array> {
    let bytes = Buffer.alloc(0);
    return readAnswer(this.#stream, (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      if (bytes.length < size) return undefined;
      return { answer: bytes.subarray(0, size), rest: bytes.subarray(size) };
    });
  }

  malformed(what: string): ProxyError {
    const { name } = this.proxy;
    const message = `The proxy ${name} did not answer as a SOCKS5 proxy does: ${what}; check that it is one.`;
    return new ProxyError("bad_proxy_answer", message, { proxy: name });
  }
}
