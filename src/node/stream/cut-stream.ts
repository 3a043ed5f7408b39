import type { ClientHttp2Stream, ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";

/** The code of RST_STREAM for a stream that is no longer needed. (RFC 9113 §7) */
const CANCEL = 0x8;

/** Ends a stream immediately, an HTTP/2 stream by RST_STREAM with CANCEL. (RFC 8441 §5) */
export function cutStream(stream: Duplex): void {
  const { rstCode } = stream as Partial<ClientHttp2Stream | ServerHttp2Stream>;
  if (rstCode !== undefined && !stream.destroyed) (stream as ServerHttp2Stream).close(CANCEL);
  stream.destroy();
}
