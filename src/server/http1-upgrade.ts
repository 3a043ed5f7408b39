import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { sha1Base64 } from "../node/index.ts";
import {
  checkUpgrade,
  formatAcceptance,
  type HeaderFields,
  type Refusal,
} from "../protocol/index.ts";
import type { Acceptance, CarriedOpening, HandshakeCarrier } from "./handshake-carrier.ts";
import { refuseUpgrade } from "./refuse.ts";
import { headerFields, splitTarget, UpgradeRequest } from "./upgrade-request.ts";

/** A handshake over HTTP/1.1: a GET that upgrades its connection. (RFC 6455 §4.2) */
export class Http1Upgrade implements HandshakeCarrier {
  readonly path: string;
  readonly headers: HeaderFields;
  readonly stream: Duplex;
  readonly head: Uint8Array;
  readonly #incoming: IncomingMessage;
  #key = "";

  constructor(incoming: IncomingMessage, socket: Duplex, head: Uint8Array) {
    this.path = splitTarget(incoming.url ?? "/").path;
    this.headers = headerFields(incoming);
    this.stream = socket;
    this.head = head;
    this.#incoming = incoming;
  }

  get host(): string | undefined {
    return this.#incoming.headers.host;
  }

  get isOver(): boolean {
    return this.stream.destroyed;
  }

  check(): CarriedOpening {
    const incoming = this.#incoming;
    const result = checkUpgrade({
      method: incoming.method ?? "",
      httpVersion: incoming.httpVersion,
      headers: this.headers,
    });
    if (result.kind === "refusal") return result;
    const { key, opening } = result;
    this.#key = key;
    const request = new UpgradeRequest({
      target: incoming.url ?? "/",
      headers: this.headers,
      remoteAddress: incoming.socket.remoteAddress,
      incoming,
      opening,
    });
    return { kind: "opening", opening, request };
  }

  accept({ protocol, extensions }: Acceptance): void {
    const socket = this.stream as Socket;
    // What an HTTP server sets on its sockets is not for a connection that lives long.
    socket.setTimeout(0);
    socket.setNoDelay(true);
    const acceptance = formatAcceptance({
      key: this.#key,
      sha1: sha1Base64,
      protocol: protocol === "" ? undefined : protocol,
      extensions,
    });
    socket.write(acceptance, "latin1");
  }

  refuse(refusal: Refusal): void {
    refuseUpgrade(this.stream, refusal);
  }
}
