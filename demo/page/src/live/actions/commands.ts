import type { CommandInfo } from "longwire/live";
import type { Action, GivenCommand } from "../../../../server/actions.ts";
import { live } from "../monitor.ts";

/** A command, as `$commands` shows it under its key. */
export interface ShownCommand extends CommandInfo {
  readonly key: string;
}

/** Commands that were given together. */
export interface Batch {
  readonly action: Action;
  readonly commands: readonly GivenCommand[];
}

/** The intervals at which a device can be asked to report, in seconds. */
export const intervals = [0.2, 1, 5] as const;

/** The most devices in one request. */
const MAX_DEVICES = 1_000;

/**
 * Gives a command to each device.
 *
 * @throws LongwireError those of `Live.call`, as a rejection
 */
export async function giveTo(devices: readonly string[], action: Action): Promise<Batch> {
  const commands: GivenCommand[] = [];
  for (let from = 0; from < devices.length; from += MAX_DEVICES) {
    const some = devices.slice(from, from + MAX_DEVICES);
    // The same request may reach the server twice, and gives the commands once.
    const request = crypto.getRandomValues(new Uint32Array(4)).join("-");
    const asked = { devices: some, action, request };
    commands.push(...(await live.call("command", asked, { idempotencyKey: request })));
  }
  return { action, commands };
}

/**
 * Withdraws commands that no device has begun.
 *
 * @throws LongwireError those of `Live.call`, as a rejection
 */
export async function withdraw(commands: readonly { readonly key: string }[]): Promise<void> {
  await Promise.all(commands.map(({ key }) => live.call("withdraw", { command: key })));
}

/** Returns the commands, newest first. */
export function newestFirst(entries: ReadonlyMap<string, CommandInfo>): ShownCommand[] {
  return [...entries]
    .map(([key, info]) => ({ ...info, key }))
    .sort((a, b) => b.givenAt - a.givenAt);
}
