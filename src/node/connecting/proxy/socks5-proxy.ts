import type { Duplex } from "node:stream";
import { isIP } from "node:net";
import { readAnswer } from "../dial/await-stream.ts";
import type { Credentials } from "../credentials.ts";
import type { Proxy } from "./proxy.ts";
import { ProxyError } from "./proxy-error.ts";
import type { RemoteHost } from "../route/remote-host.ts";

const VERSION = 0x05;
const CONNECT = 0x01;

const Method = { None: 0x00, Password: 0x02, NoneAcceptable: 0xff } as const;
const PASSWORD_VERSION = 0x01;
const AddressType = { IPv4: 0x01, Name: 0x03, IPv6: 0x04 } as const;

/** The meaning of reply codes. (RFC 1928 §6) */
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
 * Requests a connection from a SOCKS5 proxy. (RFC 1928)
 *
 * @param target its host is an address, or a name that the proxy resolves
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
  if (version !== VERSION) throw dialog.malformed(`it uses version ${version}`);
  if (method === Method.NoneAcceptable) {
    const wish = credentials === undefined ? "a user name and password" : "another method";
    const message = `The proxy ${name} did not accept any of the offered authentication methods; it may require ${wish}.`;
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
  if (version !== PASSWORD_VERSION) throw dialog.malformed(`its response has version ${version}`);
  if (status === 0) return;
  const message = `The proxy ${name} rejected the user name and password in its URL; check them.`;
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
    const message = `The proxy ${name} did not connect to ${target.host}:${target.port}: ${meaning} (${reply}); check the address, and which destinations the proxy allows.`;
    throw new ProxyError("proxy_refused", message, { proxy: name });
  }
  // The proxy's own address, which is not used but has a variable length.
  if (type === AddressType.IPv4) await dialog.read(4 + 2);
  else if (type === AddressType.IPv6) await dialog.read(16 + 2);
  else if (type === AddressType.Name) await dialog.read((await dialog.read(1))[0]! + 2);
  else throw dialog.malformed(`its reply has an address of type ${type}`);
}

/** Returns the address, preceded by its type. (RFC 1928 §4, §5) */
function addressBytes({ proxy }: Dialog, { host }: RemoteHost): number[] {
  const family = isIP(host);
  if (family === 4) return [AddressType.IPv4, ...host.split(".").map(Number)];
  if (family === 6) return [AddressType.IPv6, ...ipv6Bytes(host)];
  const bytes = Buffer.from(host, "latin1");
  if (bytes.length > 255) {
    const message = `The host name has ${bytes.length} bytes, but SOCKS5 supports at most 255; use a shorter name.`;
    throw new ProxyError("proxy_refused", message, { proxy: proxy.name });
  }
  return [AddressType.Name, bytes.length, ...bytes];
}

function ipv6Bytes(address: string): number[] {
  // The URL parser normalizes every form to hexadecimal groups with at most one "::".
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

/** Exchanges messages of known length with the proxy. */
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

  /** Reads `size` bytes and leaves the rest in the stream. */
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
    const message = `The proxy ${name} did not respond like a SOCKS5 proxy: ${what}; check that it is one.`;
    return new ProxyError("bad_proxy_answer", message, { proxy: name });
  }
}
