import type { Msg, Subscription } from "@nats-io/transport-node";
import type { HeldKey, Offset, TopicEvent } from "../../topics/index.ts";
import type { JetStream } from "./jetstream.ts";
import { Leases } from "./leases.ts";
import { EXPIRY_JITTER_MS, FIRST_RETRY_MS, LEASES_AT_ONCE, RENEWALS_MS } from "./limits.ts";
import { UnansweredError } from "../shared/engine-errors.ts";
import { Tail } from "./tail.ts";

/** What a topic's leases need of it. */
interface TopicLeasesHost {
  jetStream: JetStream;
  /** The stream of renewals, and the subject of this topic's in it. */
  stream: string;
  subject: string;
  /** Makes the stream, where it is not there. */
  makeStream(): Promise<void>;
  /** The offset of the key's newest event, if that has a value. */
  newest(key: string): Offset | undefined;
  /** Appends that a key is removed, if it has not changed. */
  remove(held: HeldKey): Promise<unknown>;
}

/** What a renewal says: for how long, and which keys with their offsets. */
type Written = [leaseMs: number, ...held: [key: string, offset: Offset][]];

/**
 * The leases of a topic's keys, of which every node that has the topic open keeps account.
 *
 * Renewals are messages that all of these nodes hear at once. A stream keeps them for a while, for
 * those who come later or were away: they read it before they let a lease run out.
 */
export class TopicLeases {
  readonly #host: TopicLeasesHost;
  readonly #leases: Leases;
  #subscription: Subscription | undefined;
  /** Whether all renewals were heard. */
  #isComplete = false;
  #isEnding = false;
  #hasEnded = false;

  constructor(host: TopicLeasesHost) {
    this.#host = host;
    this.#leases = new Leases(host.jetStream.link.clock, () => void this.#onDue());
  }

  /** Hears of renewals from now on. */
  listen(): void {
    const { jetStream, subject } = this.#host;
    this.#subscription ??= jetStream.link.subscribe(subject, (message) => {
      this.#take(message, jetStream.link.clock.now());
    });
  }

  /** The connection is lost, and with it what is renewed meanwhile. */
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

  /** Removes the keys whose leases have run out. */
  async endDue(): Promise<void> {
    const { jetStream } = this.#host;
    if (this.#leases.isEmpty) return;
    if (!this.#isComplete) await this.#catchUp();
    if (this.#leases.due().length === 0) return;
    // After a pause of this process, renewals may wait in its socket.
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
      // Away: they are still due, and tried again.
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
      // Other nodes hear it, so NATS does not say that the stream is gone.
      if (!(error instanceof UnansweredError)) throw error;
      await this.#host.makeStream();
      await jetStream.publish(subject, text);
    }
  }

  /** Reads the renewals that are kept. */
  async #catchUp(): Promise<void> {
    const { jetStream, stream, subject } = this.#host;
    this.listen();
    const subscription = this.#subscription;
    const info = await jetStream.streamInfo(stream);
    const now = jetStream.link.clock.now();
    // Before the stream was made they may have been renewed, too; and longer ago than it keeps.
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
