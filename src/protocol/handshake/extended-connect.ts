import type { HeaderFields } from "./header-fields.ts";
import { readOpening, refusal, versionRefusal, type OpeningResult } from "./server-handshake.ts";

/** An extended CONNECT as received. */
export interface ConnectRequest {
  /** `:protocol`, if present. */
  protocol: string | undefined;
  /** `:authority`, or else `Host`. */
  authority: string | undefined;
  /** The headers without the pseudo-headers. */
  headers: HeaderFields;
}

/**
 * Checks a client's opening handshake over HTTP/2 as a server must. (RFC 8441 §4, §5)
 *
 * The key, `Upgrade` and `Connection` have no meaning over HTTP/2. They protect against earlier
 * bytes that look like a handshake, and a stream is always new.
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
    const message = `The :protocol header is ${seen}; a WebSocket handshake over HTTP/2 requires websocket.`;
    return refusal(501, "bad_protocol", message);
  }
  if (authority === undefined) return refusal(400, "bad_host", "The :authority header is missing.");
  return undefined;
}
