import { setTimeout as pause } from "node:timers/promises";
import type { Random } from "../rigs/random.ts";
import type { ChaosNode } from "./chaos-node.ts";
import type { Cluster } from "./cluster.ts";
import { credentialForms, type CredentialForm, useCredentials } from "./credential-forms.ts";
import { judge, LIMIT_MS, type RevocationFindings, type Revocation } from "./revocation-record.ts";

/** Longer than any run. */
const IN_FORCE_MS = 3_600_000;
/** How long an identity is there before it is revoked, in milliseconds. */
const SHORTEST_STAY_MS = 100;
const LONGEST_STAY_MS = 1_500;
/** Between two attempts of a client whose node did not answer, or whose broker was away. */
const RETRY_MS = 50;
/** Limits the attempts at the end, which would otherwise all come at once. */
const AT_ONCE = 20;
/** The clients' addresses begin behind those of the other clients. */
const FIRST_NETWORK = 2;
const ADDRESSES_PER_NETWORK = 250;

/** One identity, its connections, and when it was revoked. */
class Identity implements Revocation {
  readonly token: string;
  readonly localAddress: string;
  /** Those that it was connected to or revoked at. */
  readonly nodes = new Set<ChaosNode>();
  readonly #ending = new AbortController();
  revokedAt: number | undefined;
  closedAt: number | undefined;
  /** When the last outage ended that fell between the two, in ms. */
  outageEnd: number | undefined;
  delayMs = 0;
  sentAfterEnd = 0;
  acceptedAfterEnd = 0;

  constructor(n: number) {
    const network = FIRST_NETWORK + Math.floor(n / ADDRESSES_PER_NETWORK);
    this.localAddress = `127.0.${network}.${1 + (n % ADDRESSES_PER_NETWORK)}`;
    this.token = `fleeting-${n}`;
  }

  get signal(): AbortSignal {
    return this.#ending.signal;
  }

  leave(): void {
    this.#ending.abort();
  }
}

/**
 * Identities that connect in three forms to different nodes, and are revoked after a moment on any
 * node. Each client comes back with its token until it is refused.
 */
export class RevokedIdentities {
  readonly #cluster: Cluster;
  readonly #random: Random;
  readonly #identities: Identity[] = [];
  #isOver = false;
  #lives: Promise<unknown> = Promise.resolve();

  constructor(cluster: Cluster, random: Random) {
    this.#cluster = cluster;
    this.#random = random;
  }

  /** @param atOnce how many identities there are at the same time */
  begin(atOnce: number): void {
    this.#lives = Promise.all(
      Array.from({ length: atOnce }, async (_, at) => {
        // Every other one may be at a node that cannot be reached, and waits for it.
        while (!this.#isOver) await this.#liveOne(at % 2 === 1);
      }),
    );
  }

  /** The identities whose clients are still connected although they are revoked. */
  get open(): readonly string[] {
    return this.#revoked.filter(({ closedAt }) => closedAt === undefined).map(({ token }) => token);
  }

  /** Lets no more identities come, and revokes those that are there. */
  async fallSilent(withinMs: number): Promise<void> {
    this.#isOver = true;
    const late = pause(withinMs, undefined, { ref: false });
    await Promise.race([this.#lives, late]);
  }

  /** Uses every revoked token on every node; all faults must have been repaired. */
  async tryAll(): Promise<void> {
    const nodes = this.#nodesUp;
    // Each has stored a revocation by then, and so has read the earlier ones.
    while (this.#nodes(false).length < nodes.length) await pause(RETRY_MS);
    const since = performance.now();
    const rest = [...this.#revoked];
    const tryOne = async (): Promise<void> => {
      for (let one = rest.pop(); one !== undefined; one = rest.pop()) {
        for (const node of nodes) await this.#try(one, node, { form: "long poll", since });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, tryOne));
  }

  /** @param isTimed whether it is judged how long the revocations took */
  check(isTimed: boolean): RevocationFindings {
    return judge(this.#revoked, isTimed);
  }

  /** The revocations so far. */
  get revocations(): readonly Revocation[] {
    return this.#revoked;
  }

  close(): void {
    this.#isOver = true;
    this.#lives.catch(() => {});
    for (const identity of this.#identities) identity.leave();
  }

  get #revoked(): Identity[] {
    return this.#identities.filter(({ revokedAt }) => revokedAt !== undefined);
  }

  /** The longest delay between a node and the broker now, each way, in ms. */
  get #delayMs(): number {
    const conditions = this.#cluster.links.flat().map(({ condition }) => condition);
    return Math.max(0, ...conditions.map((one) => (one.kind === "slow" ? one.delayMs : 0)));
  }

  get #nodesUp(): ChaosNode[] {
    return this.#cluster.nodes.filter(({ isUp }) => isUp);
  }

  /** The nodes that are up and, unless it may be any, reach their broker. */
  #nodes(areAny: boolean): ChaosNode[] {
    const { reachability } = this.#cluster;
    return this.#nodesUp.filter((node) => areAny || reachability.isConnected(node));
  }

  async #liveOne(areAny: boolean): Promise<void> {
    const nodes = this.#shuffled(this.#nodes(areAny));
    if (nodes.length === 0) return pause(RETRY_MS);
    const identity = new Identity(this.#identities.length);
    this.#identities.push(identity);
    const accepted: Promise<void>[] = [];
    const ends = credentialForms.map((form, at) => {
      const first = nodes[at % nodes.length]!;
      let onAccepted = (): void => {};
      accepted.push(new Promise((resolve) => (onAccepted = resolve)));
      return this.#keepOpen(identity, form, { first, onAccepted });
    });
    await Promise.all(accepted);
    await pause(this.#random.integer(SHORTEST_STAY_MS, LONGEST_STAY_MS));
    identity.delayMs = this.#delayMs;
    await this.#revoke(identity, areAny);
    const closedAt = Math.max(...(await Promise.all(ends)));
    identity.delayMs = Math.max(identity.delayMs, this.#delayMs);
    const { reachability } = this.#cluster;
    const since = identity.revokedAt!;
    const until = Math.max(since, closedAt);
    identity.outageEnd = reachability.lastOutageEnd(identity.nodes, { from: since, until });
    identity.closedAt = closedAt;
    if (identity.outageEnd !== undefined) return;
    await Promise.all(
      [...identity.nodes].map((node) => {
        return this.#try(identity, node, { form: this.#random.pick(credentialForms), since });
      }),
    );
  }

  /**
   * Keeps a form open, and opens it again when it ends, until the credentials are refused.
   *
   * @returns when it was open for the last time, in ms
   */
  async #keepOpen(
    identity: Identity,
    form: CredentialForm,
    { first, onAccepted }: { first: ChaosNode; onAccepted: () => void },
  ): Promise<number> {
    const { token, localAddress, signal } = identity;
    let openUntil = 0;
    while (!signal.aborted) {
      const [other] = this.#shuffled(this.#nodesUp);
      const node = first.isUp ? first : other;
      if (node === undefined) {
        await pause(RETRY_MS);
        continue;
      }
      identity.nodes.add(node);
      const use = { port: node.port, token, localAddress, signal, onAccepted };
      const ended = await useCredentials(form, use);
      openUntil = ended.openUntil ?? openUntil;
      identity.sentAfterEnd += ended.sentAfterEnd;
      if (ended.isRefused && identity.revokedAt !== undefined) break;
      if (ended.openUntil === undefined) await pause(RETRY_MS);
    }
    return openUntil;
  }

  async #revoke(identity: Identity, areAny: boolean): Promise<void> {
    const { token } = identity;
    const revoked = this.#random.chance(0.5) ? { identity: token } : { tokenId: token };
    identity.revokedAt = performance.now();
    while (!identity.signal.aborted) {
      const [node] = this.#shuffled(this.#nodes(areAny));
      if (node !== undefined) {
        identity.nodes.add(node);
        if (await node.revoke(revoked, Date.now() + IN_FORCE_MS)) return;
      }
      await pause(RETRY_MS);
    }
  }

  /**
   * Uses a revoked token once more, at a node that must know of it unless there was an outage.
   *
   * @param use.since from when on an outage excuses the node, in ms
   */
  async #try(
    identity: Identity,
    node: ChaosNode,
    use: { form: CredentialForm; since: number },
  ): Promise<void> {
    const { token, localAddress } = identity;
    const ending = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const count = (): void => {
      const span = { from: use.since, until: performance.now() };
      const outageEnd = this.#cluster.reachability.lastOutageEnd(new Set([node]), span);
      if (outageEnd === undefined) identity.acceptedAfterEnd += 1;
      ending.abort();
    };
    const ended = await useCredentials(use.form, {
      port: node.port,
      token,
      localAddress,
      signal: AbortSignal.any([ending.signal, identity.signal]),
      // A node where nothing was open any more may learn of it later than the others, and then closes
      // this, too.
      onAccepted: () => {
        timer = setTimeout(count, Math.max(0, use.since + LIMIT_MS - performance.now()));
      },
    });
    clearTimeout(timer);
    identity.sentAfterEnd += ended.sentAfterEnd;
  }

  #shuffled(nodes: readonly ChaosNode[]): ChaosNode[] {
    return nodes
      .map((node) => ({ node, at: this.#random.next() }))
      .toSorted((one, other) => one.at - other.at)
      .map(({ node }) => node);
  }
}
