import type { TopicEvent, TopicHandle } from "longwire/live";
import type { DeviceReport, InventoryEntry } from "./topics.ts";

/** How often the `lastSeen` of an online device is updated, in milliseconds. */
const RENEW_MS = 10_000;

/**
 * Keeps the topic `inventory` in step with `devices`.
 *
 * Every server of a cluster does this; an idempotency key makes their updates for one event count
 * once.
 */
export function keepInventory(devices: TopicHandle, inventory: TopicHandle): void {
  devices.onEvent((event) => {
    const { key = "" } = event;
    const known = inventory.get(key) as InventoryEntry | undefined;
    const entry = event.removed ? gone(known, event) : seen(known, event);
    if (entry === undefined) return;
    const idempotencyKey = `${devices.position.epoch} ${event.offset}`;
    // If the broker is unreachable, the device's next report repeats the update.
    inventory.set(key, entry, { idempotencyKey }).catch(() => {});
  });
}

/** The entry for a report; undefined if it would contain nothing new. */
function seen(known: InventoryEntry | undefined, event: TopicEvent): InventoryEntry | undefined {
  const { deviceType, simulated = false, actions = [] } = event.data as DeviceReport;
  const name = event.key ?? "";
  const at = Math.round(event.at);
  if (known?.online === true && at - known.lastSeen < RENEW_MS) return undefined;
  const since = known?.online === true ? known.since : at;
  return { name, deviceType, simulated, actions, online: true, since, lastSeen: at };
}

function gone(known: InventoryEntry | undefined, event: TopicEvent): InventoryEntry | undefined {
  if (known === undefined || !known.online) return undefined;
  const at = Math.round(event.at);
  return { ...known, online: false, since: at, lastSeen: at };
}
