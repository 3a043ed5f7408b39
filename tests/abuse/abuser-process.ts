import { setPriority } from "node:os";
import { Abuser } from "./abuser.ts";
import { catalogue } from "./catalogue.ts";
import type { Target } from "./target.ts";

// The abuser's process: node abuser-process.js ROW TARGET, which is JSON.
const [name, target] = process.argv.slice(2);
const row = catalogue.find((row) => row.name === name);
if (row?.move === undefined || target === undefined) throw new Error(`There is no row ${name}.`);

// An attacker has a machine of its own: it must not take the server's core.
setPriority(10);
// The process that started this one has ended.
process.on("disconnect", () => process.exit());

const abuser = new Abuser(JSON.parse(target) as Target, row.seconds);
// A server that answers nothing must not keep it.
await Promise.race([row.move(abuser), abuser.pause(row.seconds * 1_000)]);
await abuser.leave();
process.send?.(abuser.tally, () => process.exit());
