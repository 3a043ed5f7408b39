import { testChaos } from "./chaos-run.ts";
import { memoryEngine } from "./in-process-engine.ts";

testChaos("memory", memoryEngine, { seconds: 15 });
