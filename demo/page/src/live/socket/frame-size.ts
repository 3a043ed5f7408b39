const encoder = new TextEncoder();

/** The bytes of a text message's payload, as UTF-8. */
export function payloadBytes(text: string): number {
  return encoder.encode(text).length;
}

/** The bytes of an unmasked frame, server to client: payload and header. (RFC 6455 §5.2) */
export function serverFrameBytes(payload: number): number {
  return payload + headerBytes(payload);
}

/**
 * The bytes of a masked frame, client to server: four more, for the masking key. (RFC 6455 §5.3)
 */
export function clientFrameBytes(payload: number): number {
  return payload + headerBytes(payload) + 4;
}

function headerBytes(payload: number): number {
  if (payload < 126) return 2;
  return payload <= 65_535 ? 4 : 10;
}
