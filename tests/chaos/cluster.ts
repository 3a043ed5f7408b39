import type { Random } from "../rigs/random.ts";
import { ChaosNode, type NodeSettings } from "./chaos-node.ts";
import type { Engine } from "./engine.ts";
import { NetworkLink } from "./network-link.ts";
import { Reachability } from "./reachability.ts";

const ENTRANCES = 100;
/** Devices that receive commands have one entrance each, so that each can be cut alone. */
const DEVICES = 10;

/** Something that each node does wrong on purpose; the faults of a broker not at the same event. */
export type Mutation =
  | { does: "drop" | "double"; every: number }
  | Exclude<NonNullable<NodeSettings["mutation"]>, { every: number }>;

/** The connections of clients that were cut without a close, by the reason. */
export interface Cuts {
  /** One at a time, at random. */
  single: number;
  /** Together with a random share of all others. */
  crowd: number;
  /** Because the client's program was killed. */
  byDeviceKill: number;
  /** Because the server was killed. */
  byServerKill: number;
}

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
  readonly reachability: Reachability = new Reachability();
  readonly cuts: Cuts = { single: 0, crowd: 0, byDeviceKill: 0, byServerKill: 0 };
  serverKills = 0;

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
      const wrong =
        mutation !== undefined && "every" in mutation
          ? { ...mutation, from: Math.floor((at / count) * mutation.every) }
          : mutation;
      nodes.push(new ChaosNode({ engine: engine.name, location, serverLeaseMs, mutation: wrong }));
    }
    await Promise.all(nodes.map((node) => node.start()));
    const anyNode = (): number | undefined => {
      const ports = portsUp(nodes);
      return ports.length === 0 ? undefined : random.pick(ports);
    };
    const entrances = await Promise.all(
      Array.from({ length: ENTRANCES + DEVICES }, (_, at) => {
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

  /** The entrances of the devices that receive commands; no other client uses them. */
  get deviceEntrances(): readonly NetworkLink[] {
    return this.entrances.slice(ENTRANCES);
  }

  /** The networks between a node and the servers of the engine. */
  linksOf(node: ChaosNode): readonly NetworkLink[] {
    return this.links[this.nodes.indexOf(node)]!;
  }

  /** Ends a node with SIGKILL, and with it the connections of its clients. */
  async kill(node: ChaosNode): Promise<void> {
    for (const entrance of this.entrances) {
      this.cuts.byServerKill += entrance.connectionsTo(node.port);
    }
    this.serverKills += 1;
    await node.kill();
  }

  /** Cuts a random share of all clients at once. */
  cutCrowd(random: Random): void {
    const share = random.next();
    for (const entrance of this.entrances) {
      this.cuts.crowd += entrance.cutSome(share, () => random.next());
    }
  }

  /** Cuts one random connection that leads through one of these entrances, if there is one. */
  cutOne(entrances: readonly NetworkLink[], random: Random): void {
    const count = entrances.reduce((sum, { connectionCount }) => sum + connectionCount, 0);
    if (count === 0) return;
    let at = random.integer(0, count - 1);
    for (const entrance of entrances) {
      const { connectionCount } = entrance;
      if (at < connectionCount) {
        entrance.cutOne(at);
        this.cuts.single += 1;
        return;
      }
      at -= connectionCount;
    }
  }

  /** Cuts whatever a device has open, because its program was killed. */
  cutDevice(entrance: NetworkLink): void {
    this.cuts.byDeviceKill += entrance.cutSome(1, () => 0);
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
