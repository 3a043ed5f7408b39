import type { Position } from "../../topics/index.ts";
import type { Message, Upstream } from "./upstream.ts";

/** The state of the subscription. */
type Standing =
  /** No request is pending, and its answer has arrived completely. */
  | { kind: "settled" }
  | { kind: "asked"; by: string }
  /** A keyed topic's whole state is arriving. */
  | { kind: "in snapshot" }
  /** Events that a member missed are arriving, up to this offset. */
  | { kind: "replaying"; to: number };

/**
 * The tabs' sockets that share one subscription to a topic with equal params.
 *
 * When a member joins, the subscription is started again from that member's position. Only one
 * start runs at a time, because a start cancels what the previous one has not sent, and members
 * would mistake the end of one state for the end of another.
 */
export class TopicGroup {
  readonly topic: string;
  readonly params: string;
  readonly upstream: Upstream;
  readonly members: Set<string> = new Set();
  kind: unknown;
  /** The position up to which the server has sent; `undefined` while joining requires a request. */
  position: Position | undefined;
  /** The member that the next gap is for: it lists what this one missed, and the others did not. */
  gapFor: string | undefined;
  #standing: Standing = { kind: "settled" };
  readonly #waiting: { by: string; ask: () => void }[] = [];
  #epoch = "";

  constructor(topic: string, params: string, upstream: Upstream) {
    this.topic = topic;
    this.params = params;
    this.upstream = upstream;
  }

  /** Starts the subscription again with `ask` for a member, now or when it is settled. */
  start(by: string, ask: () => void): void {
    this.#waiting.push({ by, ask });
    this.#startNext();
  }

  /** The request was not needed, or the server refused it. */
  settle(): void {
    this.#standing = { kind: "settled" };
    this.#startNext();
  }

  onSubscribed(message: Message): void {
    const { offset, latest = offset } = message;
    this.kind = message["kind"];
    this.#epoch = String(message["epoch"]);
    const isResumed = message["resumed"] === true;
    // A gap carries the new position; until it arrives, the current one holds.
    if (this.kind === "log" && this.gapFor === undefined) this.#move(Number(offset));
    if (this.kind === "keyed") this.position = undefined;
    // A reader that begins with kept events, too.
    const isBehind = this.kind === "log" && Number(latest) > Number(offset);
    const isReplayed = isResumed || this.gapFor !== undefined || isBehind;
    if (isReplayed) this.#standing = { kind: "replaying", to: Number(latest) };
    else this.#standing = { kind: this.kind === "keyed" ? "in snapshot" : "settled" };
    // If a gap is due, nothing has arrived before it, even if it is a gap to offset 0.
    if (this.gapFor === undefined) this.#onReached(Number(offset));
  }

  /** Updates the position from a message about the topic. */
  follow({ type, offset, to, more, complete }: Message): void {
    // Messages before the first answer belong to an ended subscription.
    if (this.kind === undefined) return;
    if (type === "snapshot" && more === true) return void (this.position = undefined);
    if (type === "snapshot" && complete === true) this.#standing = { kind: "settled" };
    // An incomplete state of a keyed topic has no position that can be resumed from.
    const reached = Number(type === "gap" ? to : offset);
    if (this.#standing.kind !== "in snapshot") this.#move(reached);
    this.#onReached(reached);
  }

  /** The server has ended the subscription: only members with an unanswered request stay. */
  end(): void {
    this.kind = this.position = this.gapFor = undefined;
    const unanswered = new Set(this.#waiting.map(({ by }) => by));
    const standing = this.#standing;
    if (standing.kind === "asked") unanswered.add(standing.by);
    for (const member of this.members) if (!unanswered.has(member)) this.members.delete(member);
    if (standing.kind !== "asked") this.settle();
  }

  /** @param offset how far the replay has come; the other members may be further */
  #onReached(offset: number): void {
    const standing = this.#standing;
    if (standing.kind === "replaying" && offset >= standing.to) {
      this.#standing = { kind: "settled" };
    }
    this.#startNext();
  }

  #startNext(): void {
    if (this.#standing.kind !== "settled") return;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    this.#standing = { kind: "asked", by: next.by };
    next.ask();
  }

  /**
   * A replay for one member is behind what the others already have, so the position never goes
   * back.
   */
  #move(offset: number): void {
    const reached = Math.max(offset, this.position?.offset ?? 0);
    this.position = { epoch: this.#epoch, offset: reached };
  }
}
