import { certificate } from "../certificate.mjs";
import { measureServer } from "../measure.mjs";
import { cpuPerMessage, fewerServers, messageColumns, servers, windowOf } from "../workload.mjs";

/** @param {import("../workload.mjs").Size} size */
export function echoes(size) {
  return [
    echoWorkload(size, {
      name: "echo",
      alias: "A",
      says: "100 connections send a text of 64 bytes each and wait for its echo",
      payload: { kind: "text", bytes: 64 },
      connections: 100,
    }),
    echoWorkload(size, {
      name: "echo-pipelined",
      alias: "B",
      says: "50 connections send 50 texts of 64 bytes each in one write and wait for all echoes",
      payload: { kind: "text", bytes: 64 },
      connections: 50,
      batch: 50,
      window: { warmMessages: 200_000 },
    }),
    echoWorkload(size, {
      name: "echo-16k",
      alias: "C16K",
      says: "4 connections send 16 KiB of binary data each and wait for the echo",
      payload: { kind: "binary", bytes: 16 * 1024 },
      connections: 4,
    }),
    echoWorkload(size, {
      name: "echo-1m",
      alias: "C1M",
      says: "4 connections send 1 MiB of binary data each and wait for the echo",
      payload: { kind: "binary", bytes: 1024 * 1024 },
      connections: 4,
      window: { warmMessages: 200, measureMs: 1_000 },
    }),
    echoWorkload(size, {
      name: "echo-compressed",
      alias: "F",
      says: "100 connections send 1.15 KB of JSON each, compressed with permessage-deflate, and wait for the echo",
      payload: { kind: "json" },
      connections: 100,
      compression: true,
      contenders: fewerServers,
      window: { warmMessages: 10_000 },
    }),
  ];
}

/** @param {import("../workload.mjs").Size} size */
export function secureEchoes(size) {
  const payload = { kind: "text", bytes: 64 };
  return [
    echoWorkload(size, {
      name: "echo-tls",
      says: "like echo, over TLS 1.3 with AES-128-GCM",
      payload,
      connections: 100,
      tls: true,
      contenders: fewerServers,
      rounds: 2,
    }),
    echoWorkload(size, {
      name: "echo-http2",
      says: "like echo, over extended CONNECT: 4 HTTP/2 connections with 25 WebSockets each",
      payload,
      role: "http2",
      load: "http2Echo",
      connections: 4,
      streams: size.few(25),
      tls: true,
      contenders: fewerServers,
      rounds: 2,
      baselines: ["net"],
    }),
  ];
}

function echoWorkload(size, options) {
  const { name, alias, says, payload, connections, batch = 1, streams } = options;
  const { contenders = servers, rounds, baselines } = options;
  const { compression = false, tls = false, load = "echo", role = "echo" } = options;
  const loaded = {
    target: { compression, tls },
    payload,
    connections: size.few(connections),
    streams,
    batch,
    window: windowOf(size, options.window),
  };
  return {
    name,
    alias,
    says,
    contenders,
    rounds,
    baselines,
    figure: cpuPerMessage,
    columns: messageColumns,
    measure: (contender, host) =>
      measureServer(
        { name, contender, host },
        { name: role, options: { compression, tls: tls ? certificate() : undefined } },
        { name: load, options: loaded },
      ),
  };
}
