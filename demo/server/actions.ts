import { LiveError, type LiveServer, method, type MethodDeclaration } from "longwire/live";
import * as v from "valibot";
import { mayAct, type monitorApi } from "./topics.ts";
import type { Client } from "./client.ts";

/** How long a command waits for a device that is offline, in milliseconds. */
const EXPIRES_MS = 15 * 60_000;

/** The most devices that one request may name. */
const MAX_DEVICES = 1_000;

/** An action that a page can ask devices for. */
const action = v.variant("name", [
  v.object({ name: v.literal("measure") }),
  v.object({ name: v.literal("reportEvery"), seconds: v.picklist([0.2, 1, 5]) }),
  v.object({ name: v.literal("restart") }),
]);

export type Action = v.InferOutput<typeof action>;

const id = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

const request = v.object({
  devices: v.pipe(v.array(id), v.minLength(1), v.maxLength(MAX_DEVICES)),
  action,
  /** Identifies repeats, so that nothing is done twice when an answer was lost. */
  request: id,
});

export type CommandRequest = v.InferOutput<typeof request>;

/** A command that was given; `command` is its key in `$commands`. */
export interface GivenCommand {
  readonly device: string;
  readonly command: string;
}

/** A client, as the server knows it. */
export interface Me {
  /** The name of its connection, as in `$connections`. */
  readonly connection: string;
  readonly mayAct: boolean;
}

/** The methods by which a page acts. */
// An interface would not be assignable to `Methods`.
// oxlint-disable-next-line typescript/consistent-type-definitions
export type MonitorMethods = {
  readonly me: MethodDeclaration<unknown, Me>;
  readonly command: MethodDeclaration<CommandRequest, GivenCommand[]>;
  readonly withdraw: MethodDeclaration<{ command: string }, boolean>;
  readonly disconnect: MethodDeclaration<{ connection: string }, void>;
};

/** The API of the monitor, from which its page derives its types. */
export type MonitorApi = typeof monitorApi & { readonly methods: MonitorMethods };

/** @param server returns the server, which is opened with these methods */
export function monitorMethods(server: () => LiveServer<MonitorApi>): MonitorMethods {
  return {
    me: method<unknown, Me, Client>({
      authorize: () => true,
      handle: (_, { connection, identity: { mayAct } }) => ({ connection, mayAct }),
    }),
    command: method({
      params: request,
      authorize: mayAct,
      handle: ({ devices, ...rest }) =>
        Promise.all(devices.map((device) => giveTo(server(), device, rest))),
    }),
    withdraw: method({
      params: v.object({ command: id }),
      authorize: mayAct,
      handle: ({ command }) => server().command(command).withdraw(),
    }),
    disconnect: method({
      params: v.object({ connection: id }),
      authorize: mayAct,
      handle: ({ connection }) => server().connections.disconnect({ connection }),
    }),
  };
}

/** @throws LiveError `bad_request` if the device does not offer the action */
async function giveTo(
  server: LiveServer<MonitorApi>,
  device: string,
  { action: { name, ...params }, request: idempotencyKey }: Omit<CommandRequest, "devices">,
): Promise<GivenCommand> {
  const known = server.topic("inventory").get(device);
  if (known?.actions?.includes(name) !== true) {
    const message = `The device ${JSON.stringify(device)} does not offer ${name}; start its agent with --allow ${name}.`;
    throw new LiveError("bad_request", message);
  }
  const options = { expiresInMs: EXPIRES_MS, idempotencyKey };
  const given =
    name === "reportEvery"
      ? await server.identity(device).command(name, params as { seconds: number }, options)
      : await server.identity(device).command(name, undefined, options);
  return { device, command: given.key };
}
