import type { ClientHttp2Stream, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";

/** RST_STREAM's code for what is not wanted any more. (RFC 9113 §7) */
const CANCEL = 0x8;

/** Ends a stream at once: a stream of HTTP/2 by RST_STREAM with CANCEL. (RFC 8441 §5) */
export function cutStream(stream: Duplex): void {
  const { rstCode } = stream as Partial<ClientHttp2Stream | ServerHttp2Stream>;
  if (rstCode !== undefined && !stream.destroyed) (stream as ServerHttp2Stream).close(CANCEL);
  stream.destroy();
}
