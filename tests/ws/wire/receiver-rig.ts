import { Receiver } from "../../rigs/ws/implementation.ts";
import { turns } from "../../rigs/ws/rig.ts";

export type ReceiverOptions = ConstructorParameters<typeof Receiver>[0];

const EVENTS = ["message", "ping", "pong", "conclude", "error", "finish"];

/** A receiver and its events: names with their arguments. */
export function receive(options?: ReceiverOptions): {
  receiver: InstanceType<typeof Receiver>;
  seen: unknown[][];
} {
  const receiver = new Receiver(options);
  const seen: unknown[][] = [];
  for (const event of EVENTS) {
    receiver.on(event, (...given: unknown[]) => seen.push([event, ...given]));
  }
  return { receiver, seen };
}

export const hex = (bytes: string): Buffer => Buffer.from(bytes, "hex");

/** Writes pieces, each in a separate turn. */
export async function write(
  receiver: InstanceType<typeof Receiver>,
  ...pieces: Uint8Array[]
): Promise<void> {
  for (const piece of pieces) {
    receiver.write(Buffer.from(piece));
    await turns(1);
  }
}
