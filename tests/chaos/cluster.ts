import type { Random } from "../live/simulation/random.ts";
import { ChaosNode, type NodeSettings } from "./chaos-node.ts";
import type { Engine } from "./engine.ts";
import { NetworkLink } from "./network-link.ts";

/** A broker that goes wrong on purpose, at each node. */
export type Mutation = Omit<NonNullable<NodeSettings["mutation"]>, "from">;

/** An engine, nodes on it, and all the networks between them and to their clients. */
export class Cluster {
  readonly engine: Engine;
  readonly nodes: readonly ChaosNode[];
  /** Of each node, one to each server of the engine. */
  readonly links: readonly (readonly NetworkLink[])[];
  /** Where clients connect: it leads to any node that is up. */
  readonly entrance: NetworkLink;

  private constructor(
    engine: Engine,
    nodes: readonly ChaosNode[],
    { links, entrance }: { links: readonly (readonly NetworkLink[])[]; entrance: NetworkLink },
  ) {
    this.engine = engine;
    this.nodes = nodes;
    this.links = links;
    this.entrance = entrance;
  }

  static async start(
    engine: Engine,
    count: number,
    settings: { serverLeaseMs: number; mutation: Mutation | undefined; random: Random },
  ): Promise<Cluster> {
    const { random, serverLeaseMs, mutation } = settings;
    const links: NetworkLink[][] = [];
    const nodes: ChaosNode[] = [];
    for (let at = 0; at < count; at += 1) {
      const toEngine = await Promise.all(
        engine.servers.map((server) => NetworkLink.start(() => server.port)),
      );
      links.push(toEngine);
      const url = engine.url(toEngine.map(({ port }) => port));
      // Not all at the same event.
      const from = mutation === undefined ? 0 : Math.floor((at / count) * mutation.every);
      const wrong = mutation && { ...mutation, from };
      nodes.push(new ChaosNode({ engine: engine.name, url, serverLeaseMs, mutation: wrong }));
    }
    await Promise.all(nodes.map((node) => node.start()));
    const entrance = await NetworkLink.start(() => {
      const up = nodes.filter(({ isUp }) => isUp);
      return up.length === 0 ? undefined : random.pick(up).port;
    });
    return new Cluster(engine, nodes, { links, entrance });
  }

  get url(): string {
    return `ws://127.0.0.1:${this.entrance.port}/live`;
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await Promise.all([this.entrance, ...this.links.flat()].map((link) => link.close()));
    await this.engine.stop();
  }
}
