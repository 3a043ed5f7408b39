import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { haproxyConfig } from "../../scripts/cluster/haproxy-config.mjs";

import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import { WebSocket } from "../../src/client/index.ts";
import { connect, type Live } from "../../src/live/client/index.ts";
import { LiveServer, logTopic } from "../../src/live/index.ts";
import { healthEndpoints, WebSocketServer } from "../../src/server/index.ts";
import { ServerBroker } from "../../src/testing/server-broker.ts";
import { freePort } from "../rigs/brokers/engine-process.ts";
import { eventually } from "../rigs/clock/eventually.ts";

/** `LONGWIRE_CLIENTS=2000 LONGWIRE_SECONDS=50` is the run of the guide. */
const { LONGWIRE_CLIENTS = "120", LONGWIRE_SECONDS = "2" } = process.env;
const CLIENTS = Number(LONGWIRE_CLIENTS);
const OVER_MS = Number(LONGWIRE_SECONDS) * 1_000;

/** About 10,000 deliveries a second, because all of this is one process. */
const PUBLISH_EVERY_MS: number = CLIENTS / 10;

/** From so many servers to twice as many. */
const SERVERS = 3;

interface Node {
  readonly live: LiveServer;
  readonly port: number;
}

async function startNode(shared: MemoryBroker, port: number): Promise<Node> {
  const live = await LiveServer.open({
    topics: [logTopic("news", { retention: { maxEvents: 1_000_000, maxBytes: 1e9 } })],
    broker: new ServerBroker(shared),
  });
  const health = healthEndpoints(() => live.whyNotReady);
  const options = { trustedProxies: ["127.0.0.1"] };
  const server = new WebSocketServer([live.endpoint("/live"), ...health], options);
  await server.listen({ host: "127.0.0.1", port });
  onTestFinished(async () => {
    await server.close({ timeoutMs: 200 });
    await live.close();
  });
  return { live, port };
}

async function startHaproxy(port: number, nodePorts: readonly number[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "longwire-haproxy-"));
  const page = new URL("../../docs/guides/scaling.md", import.meta.url);
  const config = join(folder, "haproxy.cfg");
  writeFileSync(config, haproxyConfig(readFileSync(fileURLToPath(page), "utf8"), port, nodePorts));
  const haproxy = spawn("haproxy", ["-f", config], { stdio: "ignore" });
  onTestFinished(async () => {
    haproxy.kill("SIGKILL");
    await once(haproxy, "exit");
    rmSync(folder, { recursive: true });
  });
}

/** A client, with the offsets that it has received and the number of its connections. */
class Client {
  readonly live: Live;
  readonly offsets: number[] = [];
  gaps = 0;
  connections = 0;

  constructor(url: string) {
    const count = (): void => void (this.connections += 1);
    this.live = connect(url, {
      webSocket: class extends WebSocket {
        constructor(address: string, protocol: string) {
          super(address, protocol);
          this.addEventListener("open", count);
        }
      },
    });
    onTestFinished(() => this.live.close());
    this.live.topic("news").subscribe((item) => {
      if (item.type === "event") this.offsets.push((item as { offset: number }).offset);
      else this.gaps += 1;
    });
  }
}

test(
  `from ${SERVERS} to ${2 * SERVERS} servers behind haproxy, ${CLIENTS} clients are spread evenly, lose nothing and reconnect once if asked`,
  { timeout: OVER_MS + 120_000 },
  async () => {
    const shared = new MemoryBroker();
    const ports: number[] = [];
    for (let n = 0; n < 2 * SERVERS; n += 1) ports.push(await freePort());
    const nodes: Node[] = [];
    for (const port of ports.slice(0, SERVERS)) nodes.push(await startNode(shared, port));
    const entrance = await freePort();
    await startHaproxy(entrance, ports);
    const [first] = nodes;
    const ready = async (): Promise<number> =>
      fetch(`http://127.0.0.1:${entrance}/readyz`).then(
        ({ status }) => status,
        () => 0,
      );
    await eventually(ready).toBe(200);
    const clients = Array.from(
      { length: CLIENTS },
      () => new Client(`ws://127.0.0.1:${entrance}/live`),
    );
    const sessions = (): number[] => nodes.map(({ live }) => live.census().sessions);
    await eventually(() => sum(sessions())).toBe(CLIENTS);
    await eventually(() => clients.filter(({ live }) => live.status.state !== "live").length).toBe(
      0,
    );
    let published = 0;
    const over = new AbortController();
    onTestFinished(() => over.abort());
    const publishing = (async () => {
      while (!over.signal.aborted) {
        published += 1;
        await first!.live.topic("news").publish(published);
        await pause(PUBLISH_EVERY_MS);
      }
    })();
    for (const port of ports.slice(SERVERS)) nodes.push(await startNode(shared, port));
    // Haproxy looks once a second.
    await pause(1_500);
    const startedAt = performance.now();
    const asked = sum(
      nodes.slice(0, SERVERS).map(({ live }) => live.shed({ share: 0.5, overMs: OVER_MS })),
    );
    await pause(OVER_MS);
    await eventually(() => sum(clients.map(({ connections }) => connections))).toBe(
      CLIENTS + asked,
    );
    await eventually(() => sum(sessions())).toBe(CLIENTS);
    const tookMs = performance.now() - startedAt;
    over.abort();
    await publishing;
    const all = Array.from({ length: published }, (_, at) => at + 1);
    await eventually(
      () => clients.filter(({ offsets }) => offsets.at(-1) !== published).length,
    ).toBe(0);
    for (const { offsets, gaps, connections } of clients) {
      expect(gaps).toBe(0);
      expect(offsets).toEqual(all);
      expect(connections).toBeLessThanOrEqual(2);
    }
    const even = CLIENTS / (2 * SERVERS);
    for (const count of sessions()) expect(Math.abs(count - even) / even).toBeLessThan(0.1);
    if (process.env["LONGWIRE_CLIENTS"]) console.log({ asked, tookMs, sessions: sessions() });
  },
);

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
