import type { Authority } from "../../../topics/index.ts";
import { LiveError, quoted } from "../../../topics/index.ts";
import type { ClientMethodDeclaration, ClientMethods } from "../../live-api.ts";
import { permit } from "../access/permit.ts";
import type { Caller } from "../sessions/caller.ts";
import type { AskedClient } from "./asked-client.ts";

/** The clients that offer methods to the server, by connection and by identity. */
export class Offers {
  readonly methods: ClientMethods;
  readonly #fallback: Authority;
  readonly #byConnection = new Map<string, AskedClient>();
  /** The one that offered last is last. */
  readonly #byIdentity = new Map<string, Set<AskedClient>>();

  constructor(methods: ClientMethods, fallback: Authority) {
    this.methods = methods;
    this.#fallback = fallback;
  }

  /** Returns the newest connection of the identity that offers the method. */
  ofIdentity(identity: string, method: string): AskedClient | undefined {
    const clients = [...(this.#byIdentity.get(identity) ?? [])];
    return clients.findLast(({ offers }) => offers.has(method));
  }

  ofConnection(connection: string, method: string): AskedClient | undefined {
    const client = this.#byConnection.get(connection);
    return client?.offers.has(method) === true ? client : undefined;
  }

  /** Returns the connections that follow a topic and offer the method. */
  followers(topic: string, method: string): AskedClient[] {
    const clients = [...this.#byConnection.values()];
    return clients.filter((client) => client.offers.has(method) && client.follows(topic));
  }

  /**
   * Replaces what a client offers.
   *
   * @throws LiveError as a rejection: `unknown_method`, `forbidden`; its earlier offers stay
   */
  async set(client: AskedClient, names: readonly string[], caller: Caller): Promise<void> {
    for (const name of names) await this.#permit(name, caller);
    this.#forget(client, caller);
    client.offers = new Set(names);
    client.caller = caller;
    if (names.length === 0) return;
    this.#byConnection.set(caller.connection, client);
    const { identity } = caller;
    if (identity === undefined) return;
    const clients = this.#byIdentity.get(identity.id) ?? new Set();
    this.#byIdentity.set(identity.id, clients.add(client));
  }

  /** The client's connection has ended. */
  end(client: AskedClient, caller: Caller): void {
    this.#forget(client, caller);
    client.offers = new Set();
    client.end();
  }

  async #permit(name: string, caller: Caller): Promise<void> {
    const declared = this.#find(name);
    const asked = { caller, action: "offer", target: name, params: {} } as const;
    await permit([declared, this.#fallback], asked);
  }

  #find(name: string): ClientMethodDeclaration {
    const declared = Object.hasOwn(this.methods, name) ? this.methods[name] : undefined;
    if (declared !== undefined) return declared;
    const message = `The server asks clients for no method ${quoted(name)}; check its name.`;
    throw new LiveError("unknown_method", message);
  }

  #forget(client: AskedClient, { connection, identity }: Caller): void {
    this.#byConnection.delete(connection);
    if (identity === undefined) return;
    const clients = this.#byIdentity.get(identity.id);
    clients?.delete(client);
    if (clients?.size === 0) this.#byIdentity.delete(identity.id);
  }
}
