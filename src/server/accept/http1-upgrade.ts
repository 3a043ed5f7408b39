import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { sha1Base64, transportOver, type Transport } from "../../node/index.ts";
import {
  checkUpgrade,
  formatAcceptance,
  type HeaderFields,
  type Refusal,
} from "../../protocol/index.ts";
import type { Acceptance, CarriedOpening, HandshakeCarrier } from "./handshake-carrier.ts";
import type { OwnHttpServer } from "../http/own-http-server.ts";
import { refuseUpgrade } from "./refuse.ts";
import { headerFields, splitTarget, ReceivedUpgrade } from "./received-upgrade.ts";

export interface Http1UpgradeOptions {
  /** Bytes that followed the request. */
  head: Uint8Array;
  nodeInternals: boolean;
  /** The server that may track the socket, and must hand it over. */
  own: OwnHttpServer | undefined;
}

/** A handshake over HTTP/1.1: a GET that upgrades its connection. (RFC 6455 §4.2) */
export class Http1Upgrade implements HandshakeCarrier {
  readonly path: string;
  readonly headers: HeaderFields;
  readonly head: Uint8Array;
  readonly #incoming: IncomingMessage;
  readonly #socket: Duplex;
  readonly #nodeInternals: boolean;
  readonly #own: OwnHttpServer | undefined;
  /** Handles errors from now on, because Node removes its own listener from an upgraded socket. */
  readonly #onError = (): void => void this.#socket.destroy();
  #key = "";

  constructor(
    incoming: IncomingMessage,
    socket: Duplex,
    { head, nodeInternals, own }: Http1UpgradeOptions,
  ) {
    this.path = splitTarget(incoming.url ?? "/").path;
    this.headers = headerFields(incoming);
    this.head = head;
    this.#incoming = incoming;
    this.#socket = socket;
    this.#nodeInternals = nodeInternals;
    this.#own = own;
    socket.on("error", this.#onError);
  }

  get host(): string | undefined {
    return this.#incoming.headers.host;
  }

  get isOver(): boolean {
    return this.#socket.destroyed;
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
    // Read now, because the transport may detach the socket's handle later.
    const { remoteAddress } = incoming.socket;
    const request = new ReceivedUpgrade({
      target: incoming.url ?? "/",
      headers: this.headers,
      remoteAddress: () => remoteAddress,
      incoming: () => incoming,
      opening,
    });
    return { kind: "opening", opening, request };
  }

  accept({ protocol, extensions }: Acceptance): Transport {
    const socket = this.#socket as Socket;
    // The idle timeout of an HTTP server does not apply to a long-lived connection.
    socket.setTimeout(0);
    socket.setNoDelay(true);
    const acceptance = acceptanceText(this.#key, { protocol, extensions });
    socket.write(acceptance, "latin1");
    socket.off("error", this.#onError);
    this.#own?.letGo(socket);
    return transportOver(socket, this.#nodeInternals);
  }

  refuse(refusal: Refusal): void {
    refuseUpgrade(this.#socket, refusal);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** The response that accepts a handshake. (RFC 6455 §4.2.2) */
export function acceptanceText(key: string, { protocol, extensions }: Acceptance): string {
  return formatAcceptance({
    key,
    sha1: sha1Base64,
    protocol: protocol === "" ? undefined : protocol,
    extensions,
  });
}
