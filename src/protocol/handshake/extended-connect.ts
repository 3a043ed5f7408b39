import type { HeaderFields } from "./header-fields.ts";
import { readOpening, refusal, versionRefusal, type OpeningResult } from "./server-handshake.ts";

/** An extended CONNECT as it came. */
export interface ConnectRequest {
  /** `:protocol`, if it was there. */
  protocol: string | undefined;
  /** `:authority`, or `Host` in its place. */
  authority: string | undefined;
  /** The header lines that are no pseudo-headers. */
  headers: HeaderFields;
}

/**
 * Checks a client's opening handshake over HTTP/2 as a server must. (RFC 8441 §4, §5)
 *
 * Key, `Upgrade` and `Connection` have no meaning there: the stream is new, and nothing before it
 * could have been taken for a handshake.
 */
export function checkExtendedConnect(request: ConnectRequest): OpeningResult {
  const refused = connectRefusal(request) ?? versionRefusal(request);
  return refused === undefined
    ? readOpening(request.headers)
    : { kind: "refusal", refusal: refused };
}

function connectRefusal({
  protocol,
  authority,
}: ConnectRequest): ReturnType<typeof versionRefusal> {
  if (protocol !== "websocket") {
    const seen = protocol?.slice(0, 20) ?? "missing";
    const message = `:protocol is ${seen}; a WebSocket handshake over HTTP/2 has websocket there.`;
    return refusal(501, "bad_protocol", message);
  }
  if (authority === undefined) return refusal(400, "bad_host", ":authority must be there.");
  return undefined;
}
