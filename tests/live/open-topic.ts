import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import type { TopicDeclaration } from "../../src/live/index.ts";
import { Topic } from "../../src/live/topic.ts";
import { VirtualClock } from "../virtual-clock.ts";

/** A topic on a memory broker and a virtual clock. */
export async function openTopic(
  declaration: TopicDeclaration,
): Promise<{ topic: Topic; clock: VirtualClock; errors: unknown[] }> {
  const clock = new VirtualClock();
  const errors: unknown[] = [];
  const report = (error: unknown): void => void errors.push(error);
  const broker = new MemoryBroker({ clock });
  return { topic: await Topic.open(declaration, broker, { clock, report }), clock, errors };
}
