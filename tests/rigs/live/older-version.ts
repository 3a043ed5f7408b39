import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import { NatsBroker } from "../../../src/brokers/nats/index.ts";
import { RedisBroker } from "../../../src/brokers/redis/index.ts";
import { WebSocket } from "../../../src/client/index.ts";
import { connect } from "../../../src/live/client/index.ts";
import { keyedTopic, LiveServer, logTopic, matchFields, method } from "../../../src/live/index.ts";
import { WebSocketServer } from "../../../src/server/index.ts";

/** The last commit before clients could answer requests, and servers give orders to each other. */
const COMMIT = "11c438eae52d8860fab0501818cc156b883495ab";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** Generated, and so not in the history. */
const GENERATED = "src/node/compiled-kernels.ts";

export const thisVersion = {
  LiveServer,
  logTopic,
  keyedTopic,
  matchFields,
  method,
  WebSocketServer,
  connect,
  WebSocket,
  MemoryBroker,
  NatsBroker,
  RedisBroker,
};

/** The code of one version. The types are those of this one: an older one lacks some of it. */
export type Version = typeof thisVersion;

/**
 * Describes tests that run the older version. A clone without its commit, such as a shallow one, has
 * one test instead, whose name says so.
 */
export async function describeWithOlder(
  name: string,
  define: (older: Version) => void,
): Promise<void> {
  if (!isInHistory()) {
    test(`${name}: not tested, because this clone lacks the commit ${COMMIT.slice(0, 7)}`, () => {
      expect(isInHistory()).toBe(false);
    });
    return;
  }
  const older = await load();
  describe(name, () => define(older));
}

function isInHistory(): boolean {
  try {
    execFileSync("git", ["cat-file", "-e", `${COMMIT}^{commit}`], { cwd: ROOT, stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

async function load(): Promise<Version> {
  const folder = extracted();
  const load = (path: string): Promise<unknown> => import(join(folder, "src", path, "index.ts"));
  const modules = await Promise.all(
    ["live", "live/client", "server", "client"]
      .concat(["brokers/memory", "brokers/nats", "brokers/redis"])
      .map(load),
  );
  return Object.assign({}, ...(modules as object[])) as Version;
}

/** Returns the folder with the sources. Several workers may extract them at the same time. */
function extracted(): string {
  const parent = join(ROOT, ".cache", "older");
  const folder = join(parent, COMMIT);
  if (existsSync(folder)) return folder;
  mkdirSync(parent, { recursive: true });
  const part = mkdtempSync(join(parent, "part-"));
  const archive = execFileSync("git", ["archive", COMMIT, "src"], {
    cwd: ROOT,
    maxBuffer: Infinity,
  });
  execFileSync("tar", ["-x", "-C", part], { input: archive });
  copyFileSync(join(ROOT, GENERATED), join(part, GENERATED));
  try {
    renameSync(part, folder);
  } catch (error) {
    rmSync(part, { recursive: true });
    // Another worker was faster.
    if (!existsSync(folder)) throw error;
  }
  return folder;
}
