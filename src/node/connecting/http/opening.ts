import type { Duplex } from "node:stream";
import {
  checkAcceptance,
  deflateOffer,
  formatExtensions,
  formatOpening,
  freshHandshakeKey,
  HandshakeError,
  ResponseHeadReader,
  type Agreement,
  type DeflatePreferences,
  type HandshakeLimits,
  type HeaderFields,
  type ResponseHead,
} from "../../../protocol/index.ts";
import { sha1Base64 } from "../../sha1.ts";
import { readUntil } from "../dial/await-stream.ts";
import { isRedirect } from "./redirects.ts";

export interface OpeningRequest {
  url: URL;
  protocols: readonly string[];
  headers: HeaderFields;
  deflate: DeflatePreferences | undefined;
  limits: HandshakeLimits;
}

/** The server's response, if it is not an error. */
export type OpeningAnswer =
  | { kind: "accepted"; agreement: Agreement; head: Uint8Array }
  | { kind: "redirected"; response: ResponseHead };

/**
 * Sends the opening handshake and checks the response. (RFC 6455 §4.1)
 *
 * @throws HandshakeError, LimitError, or the stream's error
 */
export async function shakeHands(stream: Duplex, request: OpeningRequest): Promise<OpeningAnswer> {
  const { url, protocols, headers, deflate, limits } = request;
  const key = freshHandshakeKey();
  const target = url.pathname + url.search;
  const extensions = deflate && formatExtensions([deflateOffer(deflate)]);
  const opening = formatOpening({ target, host: url.host, key, protocols, extensions, headers });
  stream.write(opening, "latin1");

  const reader = new ResponseHeadReader(limits);
  const { answer, rest } = await readUntil(stream, (chunk) => {
    const progress = reader.receive(chunk);
    if (progress.kind === "incomplete") return undefined;
    if (progress.kind === "failed") throw progress.error;
    return { answer: progress.head, rest: progress.rest };
  });
  if (isRedirect(answer)) return { kind: "redirected", response: answer };
  const agreement = checkAcceptance(answer, { key, sha1: sha1Base64, protocols, deflate });
  if (agreement instanceof HandshakeError) throw agreement;
  return { kind: "accepted", agreement, head: rest };
}
