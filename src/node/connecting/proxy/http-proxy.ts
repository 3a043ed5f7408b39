import type { Duplex } from "node:stream";
import {
  ResponseHeadReader,
  type HandshakeLimits,
  type ResponseHead,
} from "../../../protocol/index.ts";
import { readAnswer } from "../dial/await-stream.ts";
import { basicAuthorization } from "../credentials.ts";
import type { Proxy } from "./proxy.ts";
import { ProxyError } from "./proxy-error.ts";

export interface TunnelRequest {
  proxy: Proxy;
  /** Host and port, for the request line. */
  authority: string;
  /** The value of `Proxy-Authorization`, if the application sets it. */
  authorization: string | undefined;
  limits: HandshakeLimits;
}

/** Requests a tunnel from an HTTP proxy. (RFC 9110 §9.3.6) @throws ProxyError */
export async function tunnelThroughHttp(stream: Duplex, request: TunnelRequest): Promise<void> {
  const { proxy, authority, limits } = request;
  const lines = [`CONNECT ${authority} HTTP/1.1`, `Host: ${authority}`];
  const authorization = request.authorization ?? ownAuthorization(proxy);
  if (authorization !== undefined) lines.push(`Proxy-Authorization: ${authorization}`);
  stream.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");

  const reader = new ResponseHeadReader(limits);
  const answer = await readAnswer(stream, (chunk) => {
    const progress = reader.receive(chunk);
    if (progress.kind === "incomplete") return undefined;
    if (progress.kind === "failed") throw malformed(proxy, progress.error);
    return { answer: progress.head, rest: progress.rest };
  });
  // After a 2xx response the tunnel begins, whatever length the response claims. (RFC 9110 §9.3.6)
  if (answer.status < 200 || answer.status > 299) throw refused(request, answer);
}

function ownAuthorization({ credentials, name }: Proxy): string | undefined {
  return credentials && basicAuthorization(credentials, `the proxy ${name}`);
}

function refused({ proxy, authority }: TunnelRequest, { status }: ResponseHead): ProxyError {
  const facts = { proxy: proxy.name, status };
  if (status === 407) {
    const message = `The proxy ${proxy.name} responded with 407, because it requires other credentials; put a user name and password into its URL.`;
    return new ProxyError("proxy_authentication_failed", message, facts);
  }
  const message = `The proxy ${proxy.name} responded with ${status} instead of opening a tunnel to ${authority}; check which destinations it allows.`;
  return new ProxyError("proxy_refused", message, facts);
}

function malformed({ name }: Proxy, cause: Error): ProxyError {
  const message = `The proxy ${name} did not respond like an HTTP proxy; check that it is one. ${cause.message}`;
  return new ProxyError("bad_proxy_answer", message, { proxy: name, cause });
}
