import { broadcasts } from "./broadcasts.mjs";
import { clients } from "./clients.mjs";
import { connections } from "./connections.mjs";
import { echoes, secureEchoes } from "./echoes.mjs";
import { flatness } from "./flatness.mjs";
import { latencies } from "./latencies.mjs";
import { liveBrokers } from "./live-brokers.mjs";
import { live } from "./live.mjs";

/**
 * @param {import("../workload.mjs").Size} size
 * @returns {import("../workload.mjs").Workload[]} all of them, in the order in which they are told
 */
export function workloadsOf(size) {
  return [
    echoes,
    broadcasts,
    connections,
    secureEchoes,
    clients,
    latencies,
    live,
    liveBrokers,
    flatness,
  ].flatMap((group) => group(size));
}
