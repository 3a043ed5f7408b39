import type { Msg, Subscription } from "@nats-io/transport-node";
import type { Offset } from "../../../topics/index.ts";
import type { JetStream } from "../link/jetstream.ts";
import { HEARTBEAT_MS, SILENCE_MS } from "../limits.ts";

/** A message of a stream with its position. */
export interface Delivery {
  readonly message: Msg;
  readonly offset: Offset;
  /** When it was stored, in ns since the Unix epoch; a number cannot hold that many digits. */
  readonly stamp: string;
}

interface TailHandler {
  onMessage(delivery: Delivery): void;
  /** Messages were missed, or NATS will send no more. */
  onBroken(): void;
}

export interface TailStart {
  stream: string;
  /** Starts after this message. */
  after: Offset;
  /** The subject to filter by; default: all. */
  subject?: string;
}

/**
 * An ordered consumer: delivers a stream's messages, each once and in order, and then new ones.
 *
 * NATS pushes numbered messages, so a missing one is noticed, and heartbeats, so silence is
 * noticed. A broken consumer is discarded; another one continues after the last message once the
 * stream's state has been refreshed. Because of that refresh, this is not the client library's
 * ordered consumer, which recreates itself at times of its own.
 */
export class Tail {
  readonly #jetStream: JetStream;
  readonly #stream: string;
  readonly #handler: TailHandler;
  #subscription: Subscription | undefined;
  #consumer: string | undefined;
  #delivered = 0;
  #receivedAt: number;
  #isBroken = false;
  /** Resolves when all existing messages have been delivered, or when it is broken. */
  readonly drained: Promise<void>;
  #drain: () => void = () => {};

  private constructor(jetStream: JetStream, stream: string, handler: TailHandler) {
    this.#jetStream = jetStream;
    this.#stream = stream;
    this.#handler = handler;
    this.#receivedAt = jetStream.link.clock.now();
    this.drained = new Promise((resolve) => (this.#drain = resolve));
  }

  /** Rejects like `JetStream.createConsumer`. */
  static async open(jetStream: JetStream, start: TailStart, handler: TailHandler): Promise<Tail> {
    const tail = new Tail(jetStream, start.stream, handler);
    const inbox = jetStream.link.inbox();
    tail.#subscription = jetStream.link.subscribe(inbox, (message) => tail.#take(message));
    try {
      const { name, num_pending } = await jetStream.createConsumer(start.stream, {
        deliver_subject: inbox,
        deliver_policy: "by_start_sequence",
        opt_start_seq: start.after + 1,
        ...(start.subject !== undefined && { filter_subject: start.subject }),
        ack_policy: "none",
        max_deliver: 1,
        flow_control: true,
        idle_heartbeat: HEARTBEAT_MS * 1_000_000,
        num_replicas: 1,
        mem_storage: true,
      });
      tail.#consumer = name;
      if (num_pending === 0) tail.#drain();
    } catch (error) {
      tail.close();
      throw error;
    }
    return tail;
  }

  get isAlive(): boolean {
    return !this.#isBroken && this.#jetStream.link.clock.now() - this.#receivedAt < SILENCE_MS;
  }

  /** Checks whether NATS still has the consumer. */
  async probe(): Promise<void> {
    if (this.#isBroken || this.#consumer === undefined) return;
    const found = await this.#jetStream.hasConsumer(this.#stream, this.#consumer);
    if (!found && !this.#isBroken) this.#break();
  }

  close(): void {
    this.#isBroken = true;
    this.#subscription?.unsubscribe();
    if (this.#consumer !== undefined) {
      this.#jetStream.deleteConsumer(this.#stream, this.#consumer);
      this.#consumer = undefined;
    }
    this.#drain();
  }

  #take(message: Msg): void {
    if (this.#isBroken) return;
    this.#receivedAt = this.#jetStream.link.clock.now();
    if (message.reply?.startsWith("$JS.ACK.")) this.#deliver(message, message.reply);
    else this.#dispatch(message);
  }

  #deliver(message: Msg, reply: string): void {
    // $JS.ACK.[DOMAIN.ACCOUNT.]STREAM.CONSUMER.TIMES.OFFSET.ORDER.STAMP.PENDING[.RANDOM]
    const fields = reply.split(".");
    const at = fields.length > 9 ? 7 : 5;
    const [offset = "", order, stamp = "", pending] = fields.slice(at, at + 4);
    this.#delivered += 1;
    if (Number(order) !== this.#delivered) return this.#break();
    this.#handler.onMessage({ message, offset: Number(offset), stamp });
    if (pending === "0") this.#drain();
  }

  /** Handles control messages of NATS. */
  #dispatch(message: Msg): void {
    const { headers, reply } = message;
    // Anything but a heartbeat means that the consumer was deleted or belongs to another node.
    if (headers?.code !== 100) return this.#break();
    // NATS has paused until all earlier messages are processed, which is the case.
    const stalled = headers.get("Nats-Consumer-Stalled");
    if (reply !== undefined && reply !== "") message.respond();
    else if (stalled !== "") this.#jetStream.link.publish(stalled);
    const delivered = headers.get("Nats-Last-Consumer");
    if (delivered !== "" && Number(delivered) > this.#delivered) this.#break();
  }

  #break(): void {
    this.close();
    this.#handler.onBroken();
  }
}
