import type { Position } from "../../topics/index.ts";
import type { Message, Upstream } from "./upstream.ts";

/** What the subscription is doing. */
type Standing =
  /** Nothing was asked that is not answered, or everything of the answer has come. */
  | { kind: "settled" }
  | { kind: "asked"; by: string }
  /** A keyed topic's whole state is coming. */
  | { kind: "in snapshot" }
  /** What one has missed up to here is coming. */
  | { kind: "replaying"; to: number };

/**
 * The tabs' sockets that follow one topic with equal params, on one subscription.
 *
 * Who joins has it started again from what it has. That is done for one at a time: a start ends
 * what the one before it has not sent, and the others would take the end of one state for that of
 * another.
 */
export class TopicGroup {
  readonly topic: string;
  readonly params: string;
  readonly upstream: Upstream;
  readonly members: Set<string> = new Set();
  kind: unknown;
  /** Up to where the server has told; `undefined` while it cannot be joined without asking. */
  position: Position | undefined;
  /** Whom the next gap is for: it names what this one has missed, and the others have not. */
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

  /** Nothing was asked for after all, or the server has refused it. */
  settle(): void {
    this.#standing = { kind: "settled" };
    this.#startNext();
  }

  onSubscribed(message: Message): void {
    const { offset, latest = offset } = message;
    this.kind = message["kind"];
    this.#epoch = String(message["epoch"]);
    const isResumed = message["resumed"] === true;
    // A gap says how far it moves on; until then what was told counts.
    if (this.kind === "log" && this.gapFor === undefined) this.#move(Number(offset));
    if (this.kind === "keyed") this.position = undefined;
    const isReplayed = isResumed || this.gapFor !== undefined;
    if (isReplayed) this.#standing = { kind: "replaying", to: Number(latest) };
    else this.#standing = { kind: this.kind === "keyed" ? "in snapshot" : "settled" };
    // Who is owed a gap has nothing before it, also where it is one to offset 0.
    if (this.gapFor === undefined) this.#onReached(Number(offset));
  }

  /** Follows what the server tells of the topic. */
  follow({ type, offset, to, more, complete }: Message): void {
    // What comes before the first answer is of a subscription that was ended.
    if (this.kind === undefined) return;
    if (type === "snapshot" && more === true) return void (this.position = undefined);
    if (type === "snapshot" && complete === true) this.#standing = { kind: "settled" };
    // A keyed topic's state is not whole yet, so nothing goes on from it.
    const reached = Number(type === "gap" ? to : offset);
    if (this.#standing.kind !== "in snapshot") this.#move(reached);
    this.#onReached(reached);
  }

  /** The server has ended the subscription: only those stay who it has not answered yet. */
  end(): void {
    this.kind = this.position = this.gapFor = undefined;
    const unanswered = new Set(this.#waiting.map(({ by }) => by));
    const standing = this.#standing;
    if (standing.kind === "asked") unanswered.add(standing.by);
    for (const member of this.members) if (!unanswered.has(member)) this.members.delete(member);
    if (standing.kind !== "asked") this.settle();
  }

  /** @param offset how far the replay has come; the others may be further */
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

  /** A replay for one who missed something is behind what the others have. */
  #move(offset: number): void {
    const reached = Math.max(offset, this.position?.offset ?? 0);
    this.position = { epoch: this.#epoch, offset: reached };
  }
}
