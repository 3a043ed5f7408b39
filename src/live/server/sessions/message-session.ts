import { exceedsBytes, onceAvailable } from "../../../base/index.ts";
import {
  type Encoding,
  LiveError,
  type LiveErrorCode,
  type SendBuffer,
  type Pumped,
  OFFERS_BYTES,
  OUTSTANDING_BYTES,
  type Receipt,
  REQUEST_BYTES,
  topicOfPresence,
} from "../../../topics/index.ts";
import { longestMessage, MAX_IGNORED_REFUSALS, mostUnknownBytes } from "../limits.ts";
import type { Caller } from "./caller.ts";
import {
  decodeClientMessage,
  type ClientMessage,
  type Decoded,
  type RequestId,
} from "../../wire/client-message.ts";
import { tokenAlone, type Credentials, type Identity } from "../access/credentials.ts";
import type { KeyOwner } from "../keys/key-owners.ts";
import { closeCodeOf, LiveCloseCode } from "../../wire/close-code.ts";
import type { LivePeer } from "../live-peer.ts";
import { AskedClient } from "../asking/asked-client.ts";
import {
  addressOf,
  held,
  heldByRequest,
  overShare,
  payAs,
  type Release,
} from "../access/paying.ts";
import {
  openToPublish,
  publish,
  requirePublishable,
  requireTopic,
  type Publishing,
} from "../publish.ts";
import { historyAnswer } from "../history.ts";
import type { LimitReached, LiveCore, Session } from "./session.ts";
import type { Ending } from "./connected-client.ts";
import { Introduction } from "./introduction.ts";
import { SessionIdentity } from "./session-identity.ts";
import { Subscriptions } from "./subscriptions.ts";
import { Unanswered } from "./unanswered.ts";

/** A decoded request, accepted or refused. */
type Readable = Exclude<Decoded, { kind: "malformed" }>;

type Request<Type> = Extract<ClientMessage, { type: Type }>;

/** A Level 1 client: one connection, any number of topics, JSON messages both ways. */
export class MessageSession implements Session, SendBuffer, KeyOwner {
  readonly #core: LiveCore;
  readonly #peer: LivePeer;
  readonly who: SessionIdentity;
  readonly #subscriptions: Subscriptions;
  readonly #encodingUpTo: (maxBytes: number) => Encoding;
  /** The longest message that the client accepts, in bytes. */
  #maxClientBytes = Infinity;
  /** Readers that wait for room in the socket, first come first served. */
  readonly #waiting = new Set<Pumped>();
  readonly #unanswered = new Unanswered();
  /** The server's requests to the client; most clients offer nothing. */
  #asked: AskedClient | undefined;
  /** The end of the connection also ends a wait for room. */
  #onDrained = (): void => {};
  #ignoredRefusals = 0;
  #quietTicks = 0;
  #ended = false;
  /** Until the client is welcomed. */
  #introduction: Introduction | undefined;
  /** The payer until the client is authenticated. */
  readonly #address: string;

  /**
   * @param encodingUpTo returns the encoding for a client that accepts messages of so many bytes
   * @param address the client's
   */
  constructor(
    core: LiveCore,
    peer: LivePeer,
    encodingUpTo: (maxBytes: number) => Encoding,
    address: string | undefined,
  ) {
    this.#core = core;
    this.#peer = peer;
    this.#encodingUpTo = encodingUpTo;
    this.#address = addressOf(peer);
    const { account } = peer;
    this.who = new SessionIdentity(core, { level: 1, account, address }, () => this.#expire());
    this.#subscriptions = new Subscriptions(core, encodingUpTo(Infinity), {
      buffer: this,
      account: peer.account,
      send: (message) => this.#send(message),
    });
  }

  start(credentials: Credentials): void {
    const { logins, limits } = this.#core;
    if (logins.areRequired) this.#peer.limitMessages(mostUnknownBytes(limits));
    const introduction = new Introduction(this.#core, {
      address: this.#address,
      isOpen: () => this.#peer.isOpen,
      welcome: (identity) => this.#welcome(identity),
      refuse: (error) => this.#expel(error),
      limitTo: (maxBytes) => this.#limitTo(maxBytes),
    });
    this.#introduction = introduction;
    introduction.start(credentials);
  }

  onMessage(message: string | Uint8Array): void | Promise<void> {
    const opening = this.#introduction?.opening;
    if (opening !== undefined) return opening.then(() => this.onMessage(message));
    // The message waited for the credentials, and they were refused.
    if (!this.#peer.isOpen) return;
    if (typeof message !== "string") {
      this.#disconnect(LiveCloseCode.BadMessage, "Messages are text, not binary; send JSON.");
      return;
    }
    const decoded = decodeClientMessage(message);
    if (decoded.kind === "malformed") {
      this.#disconnect(LiveCloseCode.BadMessage, decoded.message);
      return;
    }
    const { caller } = this.who;
    if (caller === undefined) {
      return this.#introduction?.onMessage(
        decoded.kind === "message" ? decoded.message : undefined,
      );
    }
    const pending = this.#handle(decoded, caller, message);
    if (pending === undefined) return this.#unanswered.room();
    return pending.then(() => this.#unanswered.room());
  }

  /** First come first served: otherwise a busy topic would starve the others. */
  onDrain(): void {
    for (const reader of this.#waiting) {
      this.#waiting.delete(reader);
      reader.pump();
      // It waits again because the socket is full.
      if (this.#waiting.has(reader)) return;
    }
  }

  onTick(): void {
    if (this.who.caller === undefined) return;
    this.#quietTicks += 1;
    this.#subscriptions.announcePositions();
    if (this.#quietTicks > 1) this.#send({ type: "heartbeat" });
  }

  onDraining(retryAfterMs: number): void {
    const message = "The server is going away; connect again after retryAfter.";
    this.#disconnect(LiveCloseCode.Restarting, message, { retryAfterMs });
  }

  follows(topic: string): boolean {
    return this.#subscriptions.has(topic);
  }

  disconnect({ code, message, retry, retryAfterMs }: Ending): void {
    this.#core.statistics.closedByCommand += 1;
    const later = retryAfterMs === undefined ? this.#retryLater : { retryAfterMs };
    this.#disconnect(code, message, retry ? later : undefined);
  }

  unsubscribe(topic: string): void {
    const { caller } = this.who;
    if (caller === undefined || !this.follows(topic)) return;
    this.#subscriptions.refuse(topic, caller, (ended) => this.#waiting.delete(ended));
  }

  recheck(): void {
    const { caller } = this.who;
    if (caller !== undefined) this.#recheck(caller).catch(this.#core.report);
  }

  /** A connection's keys are removed when it ends. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  get subscriptionCount(): number {
    return this.#subscriptions.size;
  }

  get isWaiting(): boolean {
    return this.#waiting.size > 0;
  }

  get bufferedAmount(): number {
    return this.#peer.bufferedAmount;
  }

  write(bytes: Uint8Array): void {
    this.#quietTicks = 0;
    this.#core.statistics.wrote(bytes);
    this.#peer.sendFrames(bytes);
  }

  watchDrain(reader: Pumped): void {
    this.#waiting.add(reader);
    this.#peer.watchDrain();
  }

  fail(cause: unknown): void {
    this.#core.report(cause);
    this.#peer.close(LiveCloseCode.InternalError, "internal error");
  }

  onLimit({ code }: LimitReached): void {
    if (code === "message_timeout") {
      const message =
        "A message did not arrive completely in time; send it faster, or split it up.";
      return this.#disconnect(LiveCloseCode.Timeout, message, {});
    }
    if (code === "over_share") {
      return this.#disconnect(LiveCloseCode.TooMany, overShare().message, this.#retryLater);
    }
    const isKnown = this.who.caller !== undefined;
    const { limits } = this.#core;
    const most = isKnown ? limits.maxMessageBytes : mostUnknownBytes(limits);
    const message = `A message may have at most ${most} bytes${isKnown ? "" : " before hello"}; send a shorter one.`;
    this.#disconnect(LiveCloseCode.TooLarge, message);
  }

  onClosed(): void {
    this.#ended = true;
    this.#introduction?.end();
    this.who.end();
    this.#core.roster.remove(this);
    const { caller } = this.who;
    if (caller !== undefined) {
      this.#subscriptions.stopAll(caller);
      this.#core.calls.onConnectionEnded(caller.connection);
      if (this.#asked !== undefined) this.#core.offers.end(this.#asked, caller);
    }
    this.#waiting.clear();
    this.#onDrained();
    this.#core.owners.end(this);
  }

  #welcome(identity: Identity | undefined): void {
    const refusal = this.#core.authenticator.refusalOf(identity);
    if (refusal !== undefined) return this.#expel(refusal);
    try {
      payAs(this.#core.ledger, this.#peer.account, identity);
    } catch (error) {
      return this.#expel(error as LiveError);
    }
    this.#peer.limitMessages(this.#core.limits.maxMessageBytes);
    this.#introduction = undefined;
    const { connection } = this.who.letIn(identity);
    this.#core.roster.announce(this);
    const { heartbeatMs: heartbeat, maxMessageBytes: maxMessage } = this.#core.limits;
    const { features } = this.#core;
    const about = { connection, heartbeat, maxMessage, features };
    this.#send({ type: "welcome", ...about, ...this.#expiry() });
  }

  /** Handles a request; a failure becomes its answer. */
  #handle(request: Readable, caller: Caller, text: string): void | Promise<void> {
    const id = idOf(request);
    let release: Release = () => {};
    const refuse = (error: unknown): void => {
      release();
      this.#refuseWith(id, error);
    };
    try {
      this.#core.statistics.received += 1;
      // An answer was asked for, so it is not limited like a request.
      if (isResponse(request) && this.#asked?.onResponse(request.message) === true) return;
      this.#core.rates.count(caller);
      this.#ignoredRefusals = 0;
      if (request.kind === "refused") throw new LiveError(request.code, request.message);
      release = heldByRequest(caller, REQUEST_BYTES + text.length * 2);
      const pending = this.#dispatch(request.message, caller, release);
      if (pending instanceof Promise) return pending.catch(refuse);
    } catch (error) {
      refuse(error);
    }
  }

  /** @param release to be called when the request is answered */
  #dispatch(message: ClientMessage, caller: Caller, release: Release): void | Promise<void> {
    switch (message.type) {
      case "publish": {
        const watched = topicOfPresence(message.topic);
        if (watched !== undefined) {
          return this.#answer(message.id, this.#updatePresence(message, watched, caller), release);
        }
        return onceAvailable(
          openToPublish(this.#core, requirePublishable(this.#core, message.topic), {
            draft: message.draft,
            caller,
          }),
          (publishing) =>
            this.#answer(message.id, this.#publish(message.id, publishing, caller), release),
        );
      }
      case "call":
        return this.#answer(message.id, this.#call(message, caller), release);
      case "offers":
        return this.#answer(message.id, this.#offer(message, caller), release);
      case "response":
        // Nobody waits for it any more.
        return release();
      case "subscribe":
        return onceAvailable(this.#subscriptions.start(message, caller), release);
      case "history":
        // The next message waits: pages are long, and a client that does not read gets none.
        return this.#drained().then(async () => {
          const maxBytes = this.#maxClientBytes;
          const text = await historyAnswer(this.#core, message, { caller, maxBytes });
          release();
          this.#sendText(text);
        });
      case "unsubscribe":
        release();
        return this.#unsubscribe(message, caller);
      case "ping":
        release();
        return this.#send({ type: "pong", ...(message.id !== undefined && { id: message.id }) });
      case "hello":
        release();
        this.#limitTo(message.maxMessage);
        return message.token === undefined ? undefined : this.#refresh(message.token, caller);
      case "refresh":
        release();
        return this.#refresh(message.token, caller);
    }
  }

  #unsubscribe({ id, topic }: Request<"unsubscribe">, caller: Caller): void {
    this.#subscriptions.stop(topic, caller, (subscription) => this.#waiting.delete(subscription));
    this.#send({ type: "unsubscribed", id, topic });
  }

  async #publish(id: RequestId, publishing: Publishing, caller: Caller): Promise<string> {
    const receipt = await publish(this.#core, { ...publishing, caller }, this);
    return published(id, publishing.topic.name, receipt);
  }

  async #updatePresence(
    { id, topic, draft }: Request<"publish">,
    watched: string,
    caller: Caller,
  ): Promise<string> {
    const entry = requireTopic(this.#core, watched);
    const receipt = await this.#core.presence.update(entry, draft, caller);
    return published(id, topic, receipt);
  }

  /** Waits until the client has read most of what was sent to it. */
  async #drained(): Promise<void> {
    if (this.#peer.bufferedAmount < OUTSTANDING_BYTES) return;
    await new Promise<void>((resolve) => {
      this.#onDrained = resolve;
      this.watchDrain({ pump: resolve });
    });
  }

  async #call({ id, ...request }: Request<"call">, caller: Caller): Promise<string> {
    this.#core.statistics.calls += 1;
    const json = await this.#core.calls.make(request, caller);
    const text = `{"type":"result","id":${JSON.stringify(id)},"data":${json}}`;
    if (!exceedsBytes(text, this.#maxClientBytes)) return text;
    const message = "The answer is longer than the maxMessage of your hello; raise it.";
    throw new LiveError("too_large", message);
  }

  async #offer({ id, methods, run }: Request<"offers">, caller: Caller): Promise<string> {
    // In this order, so that the client pays before anything is kept for it.
    this.#asked ??= this.#askable();
    await this.#core.offers.set(this.#asked, { methods, run }, caller);
    return JSON.stringify({ type: "offered", id, methods });
  }

  /** Messages longer than the client accepts are not sent to it. */
  #limitTo(maxBytes: number | undefined): void {
    if (maxBytes === undefined || maxBytes >= longestMessage(this.#core.limits)) return;
    this.#maxClientBytes = maxBytes;
    this.#subscriptions.encodeAs(this.#encodingUpTo(maxBytes));
  }

  /** Sends a request's answer when it is ready; later requests do not wait for it. */
  #answer(id: RequestId, answer: Promise<string>, release: Release): void {
    const answered = answer.then(
      (text) => {
        release();
        this.#sendText(text);
      },
      (error: unknown) => {
        release();
        this.#refuseWith(id, error);
      },
    );
    this.#unanswered.add(answered);
  }

  /**
   * Replaces the connection's credentials; the identity must stay the same, its rights may differ.
   */
  #refresh(token: string, { identity }: Caller): void | Promise<void> {
    // By identity: others at its address, who guess, must not keep it from refreshing.
    const checked = this.#core.logins.decide(tokenAlone(token), addressOf(this.#peer));
    return onceAvailable(checked, (result) => {
      if (this.#ended) return;
      if (result.kind === "refused") throw result.error;
      if (result.identity?.id !== identity?.id) {
        const message =
          "The new credentials belong to another identity; connect again to use them.";
        throw new LiveError("unauthorized", message);
      }
      const caller = this.who.letIn(result.identity);
      if (identity !== undefined) this.#send({ type: "refreshed", ...this.#expiry() });
      return this.#recheck(caller);
    });
  }

  /** @throws LiveError `rate_limited` if the client has no room for it */
  #askable(): AskedClient {
    const { account } = this.#peer;
    held(account, OFFERS_BYTES);
    return new AskedClient(
      {
        account,
        maxBytes: () => this.#maxClientBytes,
        send: (text) => {
          this.#core.statistics.asked += 1;
          this.#sendText(text);
        },
        follows: (topic) => this.#subscriptions.has(topic),
      },
      this.#core.wheel,
    );
  }

  async #recheck(caller: Caller): Promise<void> {
    await this.#subscriptions.recheck(caller, (ended) => this.#waiting.delete(ended));
    if (this.#asked === undefined) return;
    const methods = await this.#core.offers.recheck(this.#asked, caller);
    if (methods !== undefined && !this.#ended) this.#send({ type: "offered", methods });
  }

  #expire(): void {
    const message = "The credentials have expired; connect again with new ones.";
    this.#core.statistics.unauthorized += 1;
    this.#disconnect(LiveCloseCode.Unauthorized, message, { retryAfterMs: 0 });
  }

  #expiry(): object {
    const { expiresInMs } = this.who;
    return expiresInMs === undefined ? {} : { expiresIn: expiresInMs };
  }

  #refuseWith(id: RequestId | undefined, error: unknown): void {
    const { code, message } = error instanceof LiveError ? error : this.#failure(error);
    if (this.#ended) return;
    this.#refuse(id, code, message);
    if (code !== "rate_limited") return;
    this.#ignoredRefusals += 1;
    if (this.#ignoredRefusals < MAX_IGNORED_REFUSALS) return;
    this.#disconnect(LiveCloseCode.TooMany, "Too many requests were sent too fast; slow down.");
  }

  #failure(cause: unknown): LiveError {
    this.#core.report(cause);
    return new LiveError("internal", "The server failed on this request; try again later.");
  }

  #refuse(id: RequestId | undefined, code: LiveErrorCode, message: string): void {
    this.#core.statistics.refused(code);
    this.#send({ type: "error", ...(id !== undefined && { id }), code, message });
  }

  /** Closes with a reason, which a browser would not get from a refused handshake. */
  #expel(error: LiveError): void {
    this.#core.statistics.unauthorized += 1;
    this.#refuse(undefined, error.code, error.message);
    this.#disconnect(closeCodeOf(error), error.message, this.#returnAfter(error));
  }

  #returnAfter({ code }: LiveError): { retryAfterMs?: number } | undefined {
    if (code === "rate_limited") return this.#retryLater;
    return code === "internal" || code === "unavailable" ? {} : undefined;
  }

  /** For a client that exceeds a temporary limit: it may reconnect, spread out with others. */
  get #retryLater(): { retryAfterMs: number } {
    return { retryAfterMs: this.#core.admission.returnAfter(1) };
  }

  /** @param retry whether and when the client may reconnect; absent if it sent something invalid */
  #disconnect(code: number, message: string, retry?: { retryAfterMs?: number }): void {
    const retryAfter = retry?.retryAfterMs;
    const { caller } = this.who;
    if (caller !== undefined) this.#core.lifecycle.onClosing(caller.connection, code);
    this.#send({
      type: "disconnect",
      code,
      message,
      retry: retry !== undefined,
      ...(retryAfter !== undefined && { retryAfter }),
    });
    this.#peer.close(code, "");
  }

  #send(message: { type: string } & Record<string, unknown>): void {
    this.#sendText(JSON.stringify(message));
  }

  #sendText(text: string): void {
    this.#quietTicks = 0;
    this.#peer.send(text);
  }
}

function published(id: RequestId, topic: string, receipt: Receipt): string {
  return JSON.stringify({ type: "published", id, topic, ...receipt });
}

function isResponse(
  request: Readable,
): request is { kind: "message"; message: Request<"response"> } {
  return request.kind === "message" && request.message.type === "response";
}

function idOf(request: Readable): RequestId | undefined {
  if (request.kind === "refused") return request.id;
  return "id" in request.message ? request.message.id : undefined;
}
