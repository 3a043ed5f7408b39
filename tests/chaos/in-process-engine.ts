import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeAuditor } from "./auditor.ts";
import type { Engine } from "./engine.ts";

/** A folder on this machine's disk, which the one node opens. */
export async function diskEngine(): Promise<Engine> {
  const folder = await mkdtemp(join(tmpdir(), "longwire-chaos-"));
  return {
    ...inProcess,
    name: "disk",
    location: () => folder,
    loseNode: async (node) => {
      await node.kill();
      await node.start();
    },
    stop: () => rm(folder, { recursive: true }),
  };
}

/** The memory of the one node, whose topics end with it. */
export function memoryEngine(): Promise<Engine> {
  return Promise.resolve({
    ...inProcess,
    name: "memory",
    location: () => "",
    loseNode: () => Promise.resolve(),
    stop: () => Promise.resolve(),
  });
}

const inProcess: Pick<Engine, "servers" | "nodes" | "audit" | "leader"> = {
  servers: [],
  nodes: 1,
  audit: ([node]) => Promise.resolve(nodeAuditor(node!)),
  leader: () => Promise.reject(new Error("The engine has no server programs.")),
};
