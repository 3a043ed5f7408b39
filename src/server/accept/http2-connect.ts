import type { IncomingHttpHeaders, ServerHttp2Stream } from "node:http2";
import { transportOver, type Transport } from "../../node/index.ts";
import { checkExtendedConnect, type HeaderFields, type Refusal } from "../../protocol/index.ts";
import type { Acceptance, CarriedOpening, HandshakeCarrier } from "./handshake-carrier.ts";
import { refusalBody, refusalFields } from "./refuse.ts";
import { splitTarget, ReceivedUpgrade } from "./received-upgrade.ts";

const NOTHING: Uint8Array = new Uint8Array(0);

/** A handshake over HTTP/2: an extended CONNECT, whose stream is the connection. (RFC 8441) */
export class Http2Connect implements HandshakeCarrier {
  readonly path: string;
  readonly headers: HeaderFields;
  readonly #stream: ServerHttp2Stream;
  readonly head: Uint8Array = NOTHING;
  readonly #pseudo: IncomingHttpHeaders;
  readonly #onError = (): void => void this.#stream.destroy();

  constructor(stream: ServerHttp2Stream, pseudo: IncomingHttpHeaders, rawHeaders: string[]) {
    this.path = splitTarget(pseudo[":path"] ?? "/").path;
    this.headers = fieldsOf(rawHeaders);
    this.#stream = stream;
    stream.on("error", this.#onError);
    this.#pseudo = pseudo;
  }

  get host(): string | undefined {
    return pseudoHeader(this.#pseudo, ":authority") ?? this.#pseudo.host;
  }

  get isOver(): boolean {
    // A stream that was reset is closed before it is destroyed, and cannot be answered either.
    const { closed, destroyed, headersSent } = this.#stream;
    return closed || destroyed || headersSent;
  }

  check(): CarriedOpening {
    const result = checkExtendedConnect({
      protocol: pseudoHeader(this.#pseudo, ":protocol"),
      authority: this.host,
      headers: this.headers,
    });
    if (result.kind === "refusal") return result;
    const { opening } = result;
    const remoteAddress = this.#stream.session?.socket.remoteAddress;
    const request = new ReceivedUpgrade({
      target: pseudoHeader(this.#pseudo, ":path") ?? "/",
      headers: this.headers,
      remoteAddress: () => remoteAddress,
      incoming: () => this.#stream,
      opening,
    });
    return { kind: "opening", opening, request };
  }

  accept({ protocol, extensions }: Acceptance): Transport {
    const stream = this.#stream;
    stream.respond({
      ":status": 200,
      ...(protocol !== "" && { "sec-websocket-protocol": protocol }),
      ...(extensions !== undefined && { "sec-websocket-extensions": extensions }),
    });
    stream.off("error", this.#onError);
    return transportOver(stream, false);
  }

  refuse(refusal: Refusal): void {
    const { status, code, message } = refusal;
    const stream = this.#stream;
    if (this.isOver) return this.destroy();
    // `Upgrade` is a header of the connection, which a stream must not send. (RFC 9113 §8.2.2)
    const fields = refusalFields(refusal).filter(([name]) => name.toLowerCase() !== "upgrade");
    stream.respond({
      ":status": status,
      "content-type": "application/json; charset=utf-8",
      ...Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value])),
    });
    stream.end(refusalBody({ code, message }));
    // Unread data would keep the stream open.
    stream.resume();
  }

  destroy(): void {
    // The application may have answered the stream itself; then Node closes it after the response.
    if (!this.#stream.writableEnded) this.#stream.destroy();
  }
}

function pseudoHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" ? value : undefined;
}

/** Returns the headers without the pseudo-headers. */
function fieldsOf(rawHeaders: readonly string[]): HeaderFields {
  const fields: [string, string][] = [];
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!;
    if (!name.startsWith(":")) fields.push([name, rawHeaders[at + 1]!]);
  }
  return fields;
}
