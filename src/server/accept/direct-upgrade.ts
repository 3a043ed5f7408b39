import { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { TimerWheel } from "../../base/index.ts";
import { readHeaders, type HandleTransport, type Transport } from "../../node/index.ts";
import {
  checkUpgrade,
  fieldValues,
  type HeaderFields,
  type Refusal,
} from "../../protocol/index.ts";
import type { Acceptance, CarriedOpening, HandshakeCarrier } from "./handshake-carrier.ts";
import { acceptanceText } from "./http1-upgrade.ts";
import type { RequestHead } from "./plain-request-head.ts";
import { refuseOver } from "./refuse.ts";
import { splitTarget, ReceivedUpgrade } from "./received-upgrade.ts";

/** A handshake over HTTP/1.1 that was read without Node's HTTP server. (RFC 6455 §4.2) */
export class DirectUpgrade implements HandshakeCarrier {
  readonly path: string;
  readonly headers: HeaderFields;
  /** Always empty, because the transport already holds the bytes that followed the request. */
  readonly head: Uint8Array = NOTHING;
  readonly #target: string;
  readonly #transport: HandleTransport;
  readonly #wheel: TimerWheel;
  #key = "";

  constructor({ target, headers }: RequestHead, transport: HandleTransport, wheel: TimerWheel) {
    this.path = splitTarget(target).path;
    this.headers = headers;
    this.#target = target;
    this.#transport = transport;
    this.#wheel = wheel;
  }

  get host(): string | undefined {
    return fieldValues(this.headers, "host")[0];
  }

  get isOver(): boolean {
    return this.#transport.isGone;
  }

  check(): CarriedOpening {
    const { headers } = this;
    const result = checkUpgrade({ method: "GET", httpVersion: "1.1", headers });
    if (result.kind === "refusal") return result;
    const { key, opening } = result;
    this.#key = key;
    const request = new ReceivedUpgrade({
      target: this.#target,
      headers,
      // Looked up on demand, because most connections are never asked for it.
      remoteAddress: () => this.#transport.peerName.address,
      incoming: () => this.#incoming(),
      opening,
    });
    return { kind: "opening", opening, request };
  }

  accept(acceptance: Acceptance): Transport {
    this.#transport.write(Buffer.from(acceptanceText(this.#key, acceptance), "latin1"));
    return this.#transport;
  }

  refuse(refusal: Refusal): void {
    refuseOver(this.#transport, refusal, this.#wheel);
  }

  destroy(): void {
    this.#transport.destroy();
  }

  #incoming(): IncomingMessage {
    const { address, port, family } = this.#transport.peerName;
    const socket = Object.defineProperties(new Socket(), {
      remoteAddress: { value: address },
      remotePort: { value: port },
      remoteFamily: { value: family },
    });
    const incoming = new IncomingMessage(socket);
    incoming.method = "GET";
    incoming.url = this.#target;
    incoming.httpVersion = "1.1";
    incoming.httpVersionMajor = 1;
    incoming.httpVersionMinor = 1;
    incoming.rawHeaders = this.headers.flat();
    readHeaders(incoming);
    return incoming;
  }
}

const NOTHING: Uint8Array = new Uint8Array(0);
