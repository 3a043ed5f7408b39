import { dataFrameCases } from "./cases/data-frames.ts";
import { utf8Cases } from "./cases/utf8.ts";
import { runCases } from "./run-cases.ts";

runCases([...dataFrameCases, ...utf8Cases]);
