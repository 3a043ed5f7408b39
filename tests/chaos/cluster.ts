import type { Random } from "../rigs/random.ts";
import { ChaosNode, type NodeSettings } from "./chaos-node.ts";
import type { Engine } from "./engine.ts";
import { NetworkLink } from "./network-link.ts";

const ENTRANCES = 100;

/** A broker that goes wrong on purpose, at each node. */
export type Mutation = Omit<NonNullable<NodeSettings["mutation"]>, "from">;

/** An engine, nodes on it, and all the networks between them and to their clients. */
export class Cluster {
  readonly engine: Engine;
  readonly nodes: readonly ChaosNode[];
  /** For each node, its links to the servers of the engine. */
  readonly links: readonly (readonly NetworkLink[])[];
  /**
   * Where clients connect: each leads to any node that is up; with a mutation, which comes without
   * faults, to one node. There are several, since a client connects to one address once at a time,
   * and those of a page don't wait for each other.
   */
  readonly entrances: readonly NetworkLink[];

  private constructor(
    engine: Engine,
    nodes: readonly ChaosNode[],
    { links, entrances }: Pick<Cluster, "links" | "entrances">,
  ) {
    this.engine = engine;
    this.nodes = nodes;
    this.links = links;
    this.entrances = entrances;
  }

  static async start(
    engine: Engine,
    settings: { serverLeaseMs: number; mutation: Mutation | undefined; random: Random },
  ): Promise<Cluster> {
    const { random, serverLeaseMs, mutation } = settings;
    const count = engine.nodes;
    const links: NetworkLink[][] = [];
    const nodes: ChaosNode[] = [];
    for (let at = 0; at < count; at += 1) {
      const toEngine = await Promise.all(
        engine.servers.map((server) => NetworkLink.start(() => server.port)),
      );
      links.push(toEngine);
      const location = engine.location(toEngine.map(({ port }) => port));
      // Not all at the same event.
      const from = mutation === undefined ? 0 : Math.floor((at / count) * mutation.every);
      const wrong = mutation && { ...mutation, from };
      nodes.push(new ChaosNode({ engine: engine.name, location, serverLeaseMs, mutation: wrong }));
    }
    await Promise.all(nodes.map((node) => node.start()));
    const anyNode = (): number | undefined => {
      const ports = portsUp(nodes);
      return ports.length === 0 ? undefined : random.pick(ports);
    };
    const entrances = await Promise.all(
      Array.from({ length: ENTRANCES }, (_, at) => {
        // Every node that goes wrong must have clients that see it.
        const target = mutation === undefined ? anyNode : () => nodes[at % count]!.port;
        return NetworkLink.start(target, `127.0.1.${at + 1}`);
      }),
    );
    return new Cluster(engine, nodes, { links, entrances });
  }

  /** Where the client with this number connects. */
  url(client: number): string {
    return `ws://${this.entrances[client % ENTRANCES]!.address}/live`;
  }

  /** Where nodes listen that clients can come to. */
  get portsUp(): number[] {
    return portsUp(this.nodes);
  }

  async close(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.close()));
    await Promise.all([...this.entrances, ...this.links.flat()].map((link) => link.close()));
    await this.engine.stop();
  }
}

function portsUp(nodes: readonly ChaosNode[]): number[] {
  return nodes.filter(({ isUp }) => isUp).map(({ port }) => port);
}
