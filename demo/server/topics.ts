import { keyedTopic, type Params } from "longwire/live";
import * as v from "valibot";

/** The common part of all device reports; each kind has further members. */
const report = v.looseObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  deviceType: v.pipe(v.string(), v.minLength(1), v.maxLength(50)),
  at: v.optional(v.number()),
  simulated: v.optional(v.boolean()),
});

export type DeviceReport = v.InferOutput<typeof report>;

/** A device in the inventory, online or not. */
export interface InventoryEntry {
  name: string;
  deviceType: string;
  simulated: boolean;
  online: boolean;
  /** When it went online or offline, in ms since the Unix epoch. */
  since: number;
  /** When it was last known to be online, in ms since the Unix epoch. */
  lastSeen: number;
}

/** The monitor's API, from which its page derives its types. */
export const monitorApi = {
  topics: [
    /** The devices that are online: a key lives as long as its agent's connection. */
    keyedTopic("devices", {
      clientPublish: true,
      keyLifetime: "connection",
      data: report,
      match: (params, { data }) => isAskedFor(params, data),
    }),
    /** Every device that was ever seen. */
    keyedTopic<"inventory", InventoryEntry>("inventory", {
      match: (params, { data }) => isAskedFor(params, data),
    }),
  ],
} as const;

/** Unknown params match everything, because a page may send more than the monitor needs. */
function isAskedFor(params: Params, device: Pick<InventoryEntry, "name" | "deviceType">): boolean {
  return (
    isEqualOrAbsent(params["deviceType"], device.deviceType) &&
    isEqualOrAbsent(params["name"], device.name)
  );
}

function isEqualOrAbsent(wanted: unknown, actual: unknown): boolean {
  return wanted === undefined || wanted === null || wanted === "" || wanted === actual;
}
