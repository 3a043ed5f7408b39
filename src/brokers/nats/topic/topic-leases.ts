import type { Msg, Subscription } from "@nats-io/transport-node";
import type { HeldKey, Offset, TopicEvent } from "../../../topics/index.ts";
import type { JetStream } from "../link/jetstream.ts";
import { Leases } from "./leases.ts";
import { EXPIRY_JITTER_MS, FIRST_RETRY_MS, LEASES_AT_ONCE, RENEWALS_MS } from "../limits.ts";
import { UnansweredError } from "../../shared/engine-errors.ts";
import { Tail } from "../stream/tail.ts";

/** The services of the topic that its leases use. */
interface TopicLeasesHost {
  jetStream: JetStream;
  /** The stream of renewals, and this topic's subject in it. */
  stream: string;
  subject: string;
  /** Creates the stream if it does not exist. */
  makeStream(): Promise<void>;
  /** The offset of the key's newest event; undefined if the key has no value. */
  newest(key: string): Offset | undefined;
  /** Appends a removal of the key, if it has not changed. */
  remove(held: HeldKey): Promise<unknown>;
}

/** The content of a renewal: the duration, and the keys with their offsets. */
type Written = [leaseMs: number, ...held: [key: string, offset: Offset][]];

/**
 * The leases of a topic's keys, tracked by every node that has the topic open.
 *
 * Renewals are messages that all these nodes receive. A stream keeps them for a while, for nodes
 * that join later or were disconnected: they read it before they let a lease expire.
 */
export class TopicLeases {
  readonly #host: TopicLeasesHost;
  readonly #leases: Leases;
  #subscription: Subscription | undefined;
  /** Whether all renewals were received. */
  #isComplete = false;
  #isEnding = false;
  #hasEnded = false;

  constructor(host: TopicLeasesHost) {
    this.#host = host;
    this.#leases = new Leases(host.jetStream.link.clock, () => void this.#onDue());
  }

  /** Subscribes to renewals. */
  listen(): void {
    const { jetStream, subject } = this.#host;
    this.#subscription ??= jetStream.link.subscribe(subject, (message) => {
      this.#take(message, jetStream.link.clock.now());
    });
  }

  /** The connection was lost, so renewals may be missed. */
  onDisconnected(): void {
    this.#subscription = undefined;
    this.#isComplete = false;
  }

  onEvent({ key = "", offset, at }: TopicEvent, leaseMs: number | undefined): void {
    const { jetStream } = this.#host;
    const from = Math.min(jetStream.clock.ownTime(at), jetStream.link.clock.now());
    this.#leases.replace({ key, offset }, leaseMs === undefined ? undefined : { leaseMs, from });
  }

  async renew(held: readonly HeldKey[], leaseMs: number): Promise<void> {
    const { jetStream } = this.#host;
    for (let at = 0; at < held.length; at += LEASES_AT_ONCE) {
      const some = held.slice(at, at + LEASES_AT_ONCE);
      const from = jetStream.link.clock.now();
      const pairs = some.map(({ key, offset }): [string, Offset] => [key, offset]);
      await this.#write([leaseMs, ...pairs]);
      this.#renew([leaseMs, ...pairs], from);
    }
  }

  /** Removes the keys whose leases have expired. */
  async endDue(): Promise<void> {
    const { jetStream } = this.#host;
    if (this.#leases.isEmpty) return;
    if (!this.#isComplete) await this.#catchUp();
    if (this.#leases.due().length === 0) return;
    // After a pause of this process, renewals may be waiting in its socket.
    await jetStream.link.flush();
    await Promise.allSettled(this.#leases.due().map((held) => this.#host.remove(held)));
  }

  forgetEarly(last: Offset): void {
    this.#leases.forgetEarly(last);
  }

  close(): void {
    this.#hasEnded = true;
    this.#leases.close();
    this.#subscription?.unsubscribe();
  }

  async #onDue(): Promise<void> {
    if (this.#isEnding || this.#hasEnded) return;
    this.#isEnding = true;
    const { clock } = this.#host.jetStream.link;
    await new Promise<void>((resolve) => {
      clock.after(Math.random() * EXPIRY_JITTER_MS, resolve);
    });
    try {
      if (!this.#hasEnded) await this.endDue();
    } catch {
      // If NATS is unreachable, they are still due, and this is repeated.
    } finally {
      this.#isEnding = false;
      if (!this.#hasEnded) this.#leases.arm(FIRST_RETRY_MS);
    }
  }

  async #write(renewal: Written): Promise<void> {
    const { jetStream, subject } = this.#host;
    const text = JSON.stringify(renewal);
    try {
      await jetStream.publish(subject, text);
    } catch (error) {
      // Other nodes receive the message, so NATS does not report that the stream is gone.
      if (!(error instanceof UnansweredError)) throw error;
      await this.#host.makeStream();
      await jetStream.publish(subject, text);
    }
  }

  /** Reads the renewals in the stream. */
  async #catchUp(): Promise<void> {
    const { jetStream, stream, subject } = this.#host;
    this.listen();
    const subscription = this.#subscription;
    const info = await jetStream.streamInfo(stream);
    const now = jetStream.link.clock.now();
    // Renewals may also predate the stream, or have expired from it.
    const since = info === undefined ? now : jetStream.clock.ownTime(Date.parse(info.created));
    this.#leases.runFrom(since, () => true);
    this.#leases.runFrom(now, (leaseMs) => leaseMs > RENEWALS_MS);
    if (info !== undefined) await this.#read(stream, subject);
    this.#isComplete = subscription !== undefined && subscription === this.#subscription;
  }

  async #read(stream: string, subject: string): Promise<void> {
    const { jetStream } = this.#host;
    let isBroken = false;
    const tail = await Tail.open(
      jetStream,
      { stream, subject, after: 0 },
      {
        onMessage: ({ message, stamp }) => {
          this.#take(message, jetStream.clock.ownTime(Number(stamp) / 1e6));
        },
        onBroken: () => (isBroken = true),
      },
    );
    await tail.drained;
    tail.close();
    if (isBroken) throw new Error("The renewals of leases could not be read.");
  }

  #take(message: Msg, from: number): void {
    this.#renew(message.json<Written>(), from);
  }

  #renew([leaseMs, ...held]: Written, from: number): void {
    for (const [key, offset] of held) {
      this.#leases.renew({ key, offset, leaseMs, from }, this.#host.newest(key));
    }
  }
}
