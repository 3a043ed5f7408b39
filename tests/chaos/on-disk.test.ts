import { testChaos } from "./chaos-run.ts";
import { diskEngine } from "./in-process-engine.ts";

testChaos("disk", diskEngine, { seconds: 10 });
