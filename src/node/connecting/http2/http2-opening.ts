import type { ClientHttp2Stream, IncomingHttpHeaders } from "node:http2";
import {
  checkConnectAcceptance,
  deflateOffer,
  formatExtensions,
  HandshakeError,
  type HeaderFields,
  type ResponseHead,
} from "../../../protocol/index.ts";
import { StreamEnded } from "../dial/await-stream.ts";
import type { Destination } from "../http/destination.ts";
import type { SharedSession } from "./http2-sessions.ts";
import type { OpeningAnswer, OpeningRequest } from "../http/opening.ts";
import { isRedirect } from "../http/redirects.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/**
 * Sends the opening handshake as an extended CONNECT and checks the response. (RFC 8441 §5)
 *
 * @throws HandshakeError, or the stream's error
 */
export async function shakeHandsOverHttp2(
  stream: ClientHttp2Stream,
  { protocols, deflate }: OpeningRequest,
): Promise<OpeningAnswer> {
  const response = await responseOf(stream);
  if (isRedirect(response)) return { kind: "redirected", response };
  const agreement = checkConnectAcceptance(response, { protocols, deflate });
  if (agreement instanceof HandshakeError) throw agreement;
  return { kind: "accepted", agreement, head: NOTHING };
}

/** Opens the stream for a WebSocket. */
export function requestConnect(session: SharedSession, request: OpeningRequest): ClientHttp2Stream {
  const { url, protocols, deflate, headers } = request;
  return session.request({
    ...fieldsOf(headers),
    ":method": "CONNECT",
    ":protocol": "websocket",
    ":scheme": "https",
    ":authority": url.host,
    ":path": url.pathname + url.search,
    "sec-websocket-version": "13",
    ...(protocols.length > 0 && { "sec-websocket-protocol": protocols.join(", ") }),
    ...(deflate && { "sec-websocket-extensions": formatExtensions([deflateOffer(deflate)]) }),
  });
}

/** Returns a key for shareable connections: the same for one origin with equal options. */
export function sessionName({ url, tls }: Destination, others: readonly unknown[]): string {
  return [url.host, ...[tls, ...others].map(identityOf)].join(" ");
}

const identities = new WeakMap<object, number>();
let lastIdentity = 0;

function identityOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  let identity = identities.get(value);
  if (identity === undefined) {
    identity = lastIdentity += 1;
    identities.set(value, identity);
  }
  return `#${identity}`;
}

/** Sets the protocols that a TLS connection may negotiate, HTTP/2 first. */
export function withHttp2(destination: Destination): Destination {
  return { ...destination, tls: { ...destination.tls, ALPNProtocols: ["h2", "http/1.1"] } };
}

function fieldsOf(headers: HeaderFields): Record<string, string[]> {
  const fields: Record<string, string[]> = Object.create(null) as Record<string, string[]>;
  for (const [name, value] of headers) (fields[name.toLowerCase()] ??= []).push(value);
  return fields;
}

function responseOf(stream: ClientHttp2Stream): Promise<ResponseHead> {
  return new Promise((resolve, reject) => {
    stream.once("response", (headers) => resolve(headOf(headers)));
    stream.once("error", reject);
    stream.once("close", () => reject(new StreamEnded()));
  });
}

function headOf(headers: IncomingHttpHeaders): ResponseHead {
  const fields = Object.entries(headers).flatMap(([name, value]) =>
    [value ?? []].flat().map((one): [string, string] => [name, one]),
  );
  const status = Number(headers[":status"]);
  return { httpVersion: "2", status, statusText: "", headers: fields };
}
