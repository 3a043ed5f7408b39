import { testChaos } from "./chaos-run.ts";
import { natsClusterEngine, natsEngine } from "./nats-engine.ts";

// Three servers are for longer runs: an election takes them as long as other faults together.
if (process.env["LONGWIRE_BROKER"] === "nats-cluster") testChaos("nats-cluster", natsClusterEngine);
else testChaos("nats", natsEngine);
