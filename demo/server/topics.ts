import {
  type AccessRequest,
  clientMethod,
  commandsTopic,
  connectionsTopic,
  keyedTopic,
  logTopic,
  nodesTopic,
  type Params,
} from "longwire/live";
import * as v from "valibot";
import type { Client } from "./client.ts";

/** The common part of all device reports; each kind has further members. */
const report = v.looseObject({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  deviceType: v.pipe(v.string(), v.minLength(1), v.maxLength(50)),
  at: v.optional(v.number()),
  simulated: v.optional(v.boolean()),
  /** The actions that the device can be asked for. */
  actions: v.optional(v.pipe(v.array(v.pipe(v.string(), v.maxLength(50))), v.maxLength(20))),
  /** How often it reports, in seconds. */
  reportsEvery: v.optional(v.number()),
});

export type DeviceReport = v.InferOutput<typeof report>;

/** A device in the inventory, online or not. */
export interface InventoryEntry {
  name: string;
  deviceType: string;
  simulated: boolean;
  /** The actions that it can be asked for; absent if it was last seen by an older monitor. */
  actions?: readonly string[];
  online: boolean;
  /** When it went online or offline, in ms since the Unix epoch. */
  since: number;
  /** When it was last known to be online, in ms since the Unix epoch. */
  lastSeen: number;
}

/** The monitor's topics, and what it asks devices to do. */
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
    /** Has no events: its presence shows who is looking at a device. */
    logTopic("viewers/:device", { presence: true }),
    connectionsTopic({ authorize: mayAct }),
    nodesTopic({ authorize: mayAct }),
    commandsTopic({ authorize: mayAct }),
  ],
  clientMethods: {
    measure: clientMethod<void, DeviceReport>({
      result: report,
      authorize: isDevice,
      isIdempotent: true,
    }),
    reportEvery: clientMethod({
      params: v.object({ seconds: v.number() }),
      result: v.object({ seconds: v.number() }),
      authorize: isDevice,
      isIdempotent: true,
    }),
    restart: clientMethod<void, { awaySeconds: number }>({
      result: v.object({ awaySeconds: v.number() }),
      authorize: isDevice,
    }),
  },
} as const;

/** Decides about what only those may see and do who may act. */
export function mayAct({ identity }: Pick<AccessRequest, "identity">): boolean {
  return (identity as Client).mayAct;
}

function isDevice({ identity }: AccessRequest): boolean {
  return (identity as Client).isDevice;
}

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
