import { LongwireError } from "../../base/index.ts";
import type { Link } from "./link/link.ts";

/**
 * Finds servers that evict keys when memory is full, because topics would lose data silently. A
 * server that does not report its policy is assumed to be configured correctly.
 */
export async function evictionErrors(link: Link): Promise<LongwireError[]> {
  const answers = await link.askAll(["INFO", "memory"]);
  return answers.flatMap(({ server, answer }) => {
    const policy = /^maxmemory_policy:(\S+)/m.exec(answer)?.[1] ?? "noeviction";
    if (policy === "noeviction") return [];
    const message = `${server} has maxmemory-policy ${policy}, which deletes topics' keys when memory is full; set maxmemory-policy noeviction.`;
    return [new LongwireError("broker_evicts", message)];
  });
}
