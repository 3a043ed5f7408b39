import { LongwireError } from "../../base/index.ts";
import type { Link } from "./link.ts";

/**
 * Finds the servers that delete keys when their memory is full: topics would lose what they hold
 * without anybody being told. One that does not say which policy it has is taken to be right.
 */
export async function evictionErrors(link: Link): Promise<LongwireError[]> {
  const answers = await link.askAll(["INFO", "memory"]);
  return answers.flatMap(({ server, answer }) => {
    const policy = /^maxmemory_policy:(\S+)/m.exec(answer)?.[1] ?? "noeviction";
    if (policy === "noeviction") return [];
    const message = `${server} has maxmemory-policy ${policy}, which deletes keys of topics when memory is full; set maxmemory-policy noeviction.`;
    return [new LongwireError("broker_evicts", message)];
  });
}
