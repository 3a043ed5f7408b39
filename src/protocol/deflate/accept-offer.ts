import type { Extension } from "../handshake/extensions.ts";
import {
  MOST_WINDOW_BITS,
  PERMESSAGE_DEFLATE,
  readParameters,
  writeParameters,
  type DeflateParameters,
  type DeflatePreferences,
  type WrittenParameters,
} from "./deflate-parameters.ts";

export interface DeflateAcceptance {
  parameters: DeflateParameters;
  /** The extension for the server's response. */
  response: Extension;
}

/**
 * Chooses, on the server, the first acceptable offer of permessage-deflate. Offers that break the
 * rules are skipped. (RFC 7692 §5, §7.1)
 *
 * @returns `undefined` if there is none: the connection is not compressed
 */
export function acceptDeflateOffer(
  offers: readonly Extension[],
  preferences: DeflatePreferences,
): DeflateAcceptance | undefined {
  for (const offer of offers) {
    if (offer.name !== PERMESSAGE_DEFLATE) continue;
    const offered = readParameters(offer);
    if (offered !== undefined) return answer(offered, preferences);
  }
  return undefined;
}

function answer(offered: WrittenParameters, preferences: DeflatePreferences): DeflateAcceptance {
  const serverBits = Math.min(
    preferences.outgoingWindowBits,
    offered.serverMaxWindowBits ?? MOST_WINDOW_BITS,
  );
  // A client that does not offer the parameter cannot be asked for a smaller window.
  const clientBits =
    offered.clientMaxWindowBits === undefined
      ? MOST_WINDOW_BITS
      : Math.min(
          preferences.incomingWindowBits,
          offered.clientMaxWindowBits === "any" ? MOST_WINDOW_BITS : offered.clientMaxWindowBits,
        );
  const parameters: DeflateParameters = {
    serverNoContextTakeover:
      offered.serverNoContextTakeover || !preferences.outgoingContextTakeover,
    // The server may require this even if the client did not offer it. (RFC 7692 §7.1.1.2)
    clientNoContextTakeover:
      offered.clientNoContextTakeover || !preferences.incomingContextTakeover,
    serverMaxWindowBits: serverBits,
    clientMaxWindowBits: clientBits,
  };
  const saysServerBits = offered.serverMaxWindowBits !== undefined || serverBits < MOST_WINDOW_BITS;
  const response = writeParameters({
    ...parameters,
    serverMaxWindowBits: saysServerBits ? serverBits : undefined,
    clientMaxWindowBits: clientBits < MOST_WINDOW_BITS ? clientBits : undefined,
  });
  return { parameters, response };
}
