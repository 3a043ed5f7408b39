import { formatExtensions, parseExtensions, type Extension } from "../handshake/extensions.ts";
import { HandshakeError } from "../handshake/handshake-error.ts";
import {
  MOST_WINDOW_BITS,
  PERMESSAGE_DEFLATE,
  readParameters,
  writeParameters,
  type DeflateParameters,
  type DeflatePreferences,
  type WrittenParameters,
} from "./deflate-parameters.ts";

/** Returns a client's offer of permessage-deflate. (RFC 7692 §7.1) */
export function deflateOffer(preferences: DeflatePreferences): Extension {
  return writeParameters(offerOf(preferences));
}

function offerOf(preferences: DeflatePreferences): WrittenParameters {
  const { incomingWindowBits, outgoingWindowBits } = preferences;
  return {
    serverNoContextTakeover: !preferences.incomingContextTakeover,
    clientNoContextTakeover: !preferences.outgoingContextTakeover,
    serverMaxWindowBits: incomingWindowBits < MOST_WINDOW_BITS ? incomingWindowBits : undefined,
    // Always offered, so that the server may ask for a smaller window.
    clientMaxWindowBits: outgoingWindowBits < MOST_WINDOW_BITS ? outgoingWindowBits : "any",
  };
}

/**
 * Checks, on the client, the server's response to `deflateOffer`. (RFC 7692 §5.1, §7.1)
 *
 * @param value of `Sec-WebSocket-Extensions`, `""` without one
 * @param preferences that were offered; `undefined` if nothing was offered
 * @returns `undefined` if the server declined
 */
export function checkDeflateResponse(
  value: string,
  preferences: DeflatePreferences | undefined,
): DeflateParameters | undefined | HandshakeError {
  const extensions = parseExtensions(value);
  if (extensions === undefined) {
    return bad("The server's Sec-WebSocket-Extensions header is malformed.");
  }
  if (extensions.length === 0) return undefined;
  const [extension] = extensions;
  if (preferences === undefined || extension?.name !== PERMESSAGE_DEFLATE) {
    return bad("The server accepted an extension that the client did not offer.");
  }
  if (extensions.length > 1) {
    return bad(
      `The server accepted ${PERMESSAGE_DEFLATE} more than once; it must accept one offer.`,
    );
  }
  const written = readParameters(extension);
  const agreed = written && agree(written, offerOf(preferences), preferences);
  if (agreed !== undefined) return agreed;
  const seen = formatExtensions([extension]).slice(0, 200);
  return bad(
    `The server responded with "${seen}", which does not match the client's offer (RFC 7692 §7.1).`,
  );
}

/** Returns the negotiated parameters, or `undefined` if the response exceeds the offer. */
function agree(
  written: WrittenParameters,
  offered: WrittenParameters,
  preferences: DeflatePreferences,
): DeflateParameters | undefined {
  const serverBits = written.serverMaxWindowBits ?? MOST_WINDOW_BITS;
  const clientBits = written.clientMaxWindowBits ?? preferences.outgoingWindowBits;
  if (clientBits === "any") return undefined;
  if (serverBits > (offered.serverMaxWindowBits ?? MOST_WINDOW_BITS)) return undefined;
  if (clientBits > preferences.outgoingWindowBits && offered.clientMaxWindowBits !== "any") {
    return undefined;
  }
  if (offered.serverNoContextTakeover && !written.serverNoContextTakeover) return undefined;
  return {
    serverNoContextTakeover: written.serverNoContextTakeover,
    clientNoContextTakeover: written.clientNoContextTakeover || offered.clientNoContextTakeover,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits: clientBits,
  };
}

function bad(message: string): HandshakeError {
  return new HandshakeError("bad_response", message);
}
