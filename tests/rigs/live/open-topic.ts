import { MemoryBroker } from "../../../src/brokers/memory/index.ts";
import type { Clock } from "../../../src/base/index.ts";
import type { TopicDeclaration } from "../../../src/live/index.ts";
import { Topic } from "../../../src/topics/topic.ts";
import { VirtualClock } from "../clock/virtual-clock.ts";

/** A topic on a memory broker, and a virtual clock unless another one is given. */
export async function openTopic(
  declaration: TopicDeclaration,
): Promise<{ topic: Topic; clock: VirtualClock; errors: unknown[] }>;
export async function openTopic<Given extends Clock>(
  declaration: TopicDeclaration,
  clock: Given,
): Promise<{ topic: Topic; clock: Given; errors: unknown[] }>;
export async function openTopic(
  declaration: TopicDeclaration,
  clock: Clock = new VirtualClock(),
): Promise<{ topic: Topic; clock: Clock; errors: unknown[] }> {
  const errors: unknown[] = [];
  const report = (error: unknown): void => void errors.push(error);
  const broker = new MemoryBroker({ clock });
  return { topic: await Topic.open(declaration, broker, { clock, report }), clock, errors };
}
