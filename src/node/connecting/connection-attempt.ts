import type { Duplex } from "node:stream";
import type { LongwireError } from "../../base/index.ts";
import { fieldValues, type Agreement, type HeaderFields } from "../../protocol/index.ts";
import { firstDestination, type Destination } from "./http/destination.ts";
import { Dial } from "./dial/dial.ts";
import { failureOf, timedOut } from "./failures.ts";
import { findRoute } from "./route/find-route.ts";
import type { Attempt, OpenHandler, OpenOptions } from "./open-options.ts";
import { requestConnect, sessionName, shakeHandsOverHttp2 } from "./http2/http2-opening.ts";
import { http2Sessions, type SharedSession } from "./http2/http2-sessions.ts";
import { openSharedSession } from "./http2/open-shared-session.ts";
import { shakeHands, type OpeningAnswer, type OpeningRequest } from "./http/opening.ts";
import { redirected, unfollowed } from "./http/redirects.ts";
import { placesOn, type Route } from "./route/route.ts";
import { TimeLimit } from "./time-limit.ts";
import { StreamOpener } from "./dial/stream-opener.ts";
import { turnsPerHost, type Turn } from "./route/turns-per-host.ts";

interface Opened {
  stream: Duplex;
  agreement: Agreement;
  head: Uint8Array;
}

interface Try {
  stream: Duplex;
  answer: OpeningAnswer;
}

/** Connects according to the options, following as many redirects as they allow. */
export class ConnectionAttempt implements Attempt {
  readonly #options: OpenOptions;
  readonly #limit: TimeLimit;
  #url: URL;
  #dial: Dial;
  #turn: Turn | undefined;
  #isOver = false;

  constructor(options: OpenOptions, handler: OpenHandler) {
    this.#options = options;
    this.#url = options.url;
    this.#dial = new Dial({ kind: "connecting", where: options.url.host });
    const fail = (error: LongwireError): void => {
      if (this.#end()) handler.onFailed(error);
    };
    const { handshakeTimeoutMs } = options;
    this.#limit = new TimeLimit(handshakeTimeoutMs, () =>
      fail(timedOut(this.#dial.step, this.#url, handshakeTimeoutMs)),
    );
    this.#limit.run();
    void this.#run().then(
      ({ stream, agreement, head }) => {
        if (this.#isOver) return;
        this.#isOver = true;
        this.#limit.stop();
        this.#turn?.end();
        handler.onOpened(stream, agreement, head);
      },
      (error: unknown) => fail(failureOf(this.#dial.step, this.#url, error)),
    );
  }

  abandon(): void {
    this.#end();
  }

  /** @returns false if the attempt was already over */
  #end(): boolean {
    if (this.#isOver) return false;
    this.#isOver = true;
    this.#limit.stop();
    this.#hangUp();
    return true;
  }

  #hangUp(): void {
    this.#dial.hangUp();
    this.#turn?.end();
    this.#turn = undefined;
  }

  async #run(): Promise<Opened> {
    const { maxRedirects, socketPath } = this.#options;
    let destination = firstDestination(this.#options);
    for (let redirects = 0; ; redirects += 1) {
      const { stream, answer } = await this.#try(destination);
      if (answer.kind === "accepted") return { stream, ...answer };
      if (redirects === maxRedirects) throw unfollowed(destination, answer.response, maxRedirects);
      destination = redirected(destination, answer.response, socketPath);
      this.#hangUp();
      this.#dial = new Dial({ kind: "connecting", where: destination.url.host });
    }
  }

  async #try(destination: Destination): Promise<Try> {
    this.#url = destination.url;
    const route = await findRoute(destination, this.#dial, this.#options);
    if (this.#options.http2 && destination.url.protocol === "wss:") {
      const tried = await this.#tryHttp2(route, destination);
      if (tried !== undefined) return tried;
    }
    await this.#ownTurn(route);
    const stream = await new StreamOpener(this.#dial, this.#options).open(route, destination);
    this.#dial.step = { kind: "performing the handshake" };
    const answer = await shakeHands(stream, this.#request(route, destination));
    return { stream, answer };
  }

  /** Resolves with `undefined` if the server does not support WebSocket over HTTP/2. */
  async #tryHttp2(route: Route, destination: Destination): Promise<Try | undefined> {
    const { proxy, proxyTls, tcp, socketPath } = this.#options;
    const toProxy = fieldValues(destination.headers, "proxy-authorization")[0];
    const name = sessionName(destination, [proxy, toProxy, proxyTls, tcp, socketPath]);
    this.#dial.step = { kind: "negotiating TLS" };
    const open = (): Promise<SharedSession | undefined> =>
      openSharedSession(route, destination, this.#options);
    const session = await http2Sessions.take(name, open);
    if (session === undefined) return undefined;
    if (this.#isOver) {
      session.release();
      return undefined;
    }
    this.#dial.step = { kind: "performing the handshake" };
    const request = this.#request(route, destination);
    const stream = this.#dial.keep(requestConnect(session, request));
    return { stream, answer: await shakeHandsOverHttp2(stream, request) };
  }

  #request(route: Route, destination: Destination): OpeningRequest {
    const { protocols, deflate, limits } = this.#options;
    const headers = headersOver(route, destination);
    return { url: destination.url, protocols, headers, deflate, limits };
  }

  /**
   * Resolves when this attempt may connect. If it is abandoned before, the promise never settles.
   */
  #ownTurn(route: Route): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isOver) return;
      // The time that other attempts take does not count.
      this.#limit.stop();
      this.#turn = turnsPerHost.take(placesOn(route), () => {
        this.#limit.run();
        resolve();
      });
    });
  }
}

/** Returns the headers without those that were meant for an HTTP proxy only. */
function headersOver(route: Route, { headers }: Destination): HeaderFields {
  if (route.kind !== "proxy" || route.proxy.kind !== "http") return headers;
  return headers.filter(([name]) => name.toLowerCase() !== "proxy-authorization");
}
