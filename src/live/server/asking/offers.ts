import { type Authority, LiveError, quoted, type Report } from "../../../topics/index.ts";
import type { ClientMethodDeclaration, ClientMethods } from "../../live-api.ts";
import { permit } from "../access/permit.ts";
import type { Caller } from "../sessions/caller.ts";
import type { AskedClient } from "./asked-client.ts";

/** Called when a client offers other methods than before, and with `undefined` when it has ended. */
type OnOffered = (caller: Caller, methods: readonly string[] | undefined) => void;

/** The clients that offer methods to the server, by connection and by identity. */
export class Offers {
  readonly methods: ClientMethods;
  readonly #fallback: Authority;
  readonly #report: Report;
  readonly #onOffered: OnOffered;
  readonly #byConnection = new Map<string, AskedClient>();
  /** The one that offered last is last. */
  readonly #byIdentity = new Map<string, Set<AskedClient>>();

  constructor(
    methods: ClientMethods,
    fallback: Authority,
    { report, onOffered }: { report: Report; onOffered: OnOffered },
  ) {
    this.methods = methods;
    this.#fallback = fallback;
    this.#report = report;
    this.#onOffered = onOffered;
  }

  /** Returns the newest connection of the identity that offers the method. */
  ofIdentity(identity: string, method: string): AskedClient | undefined {
    const clients = [...(this.#byIdentity.get(identity) ?? [])];
    return clients.findLast(({ offers }) => offers.has(method));
  }

  hasIdentity(identity: string): boolean {
    return this.#byIdentity.has(identity);
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
   * Replaces what a client offers, after its earlier offers have been decided.
   *
   * @throws LiveError as a rejection: `unknown_method`, `forbidden`; its earlier offers stay
   */
  set(
    client: AskedClient,
    { methods: names, run }: { methods: readonly string[]; run: string | undefined },
    caller: Caller,
  ): Promise<void> {
    return this.#inOrder(client, async () => {
      const offers = new Set(names);
      for (const name of offers) await this.#permit(name, caller);
      client.run = run;
      this.#register(client, offers, caller);
    });
  }

  /**
   * Withdraws the offers that a client, with new credentials, may no longer make.
   *
   * @returns the offers that remain; undefined if nothing has changed
   */
  async recheck(client: AskedClient, caller: Caller): Promise<readonly string[] | undefined> {
    let remaining: string[] | undefined;
    await this.#inOrder(client, async () => {
      const allowed: string[] = [];
      for (const name of client.offers) {
        if (await this.#isPermitted(name, caller)) allowed.push(name);
      }
      if (allowed.length === client.offers.size) return;
      remaining = allowed;
      this.#register(client, new Set(allowed), caller);
    });
    return remaining;
  }

  /** The client's connection has ended. */
  end(client: AskedClient, caller: Caller): void {
    client.end();
    this.#register(client, new Set(), caller);
  }

  /** Decisions of the application may take different times. */
  #inOrder(client: AskedClient, act: () => Promise<void>): Promise<void> {
    const done = client.offersDecided.then(act);
    client.offersDecided = done.catch(() => {});
    return done;
  }

  #register(client: AskedClient, offers: ReadonlySet<string>, caller: Caller): void {
    const { connection, identity } = caller;
    client.offers = client.hasEnded ? new Set() : offers;
    client.caller = caller;
    const clients = this.#byIdentity.get(identity?.id ?? "") ?? new Set();
    // Deleted first, because the one that offered last comes last.
    clients.delete(client);
    if (client.offers.size === 0) this.#byConnection.delete(connection);
    else {
      this.#byConnection.set(connection, client);
      clients.add(client);
    }
    if (identity !== undefined) {
      if (clients.size === 0) this.#byIdentity.delete(identity.id);
      else this.#byIdentity.set(identity.id, clients);
    }
    this.#onOffered(caller, client.hasEnded ? undefined : [...client.offers]);
  }

  async #isPermitted(name: string, caller: Caller): Promise<boolean> {
    try {
      await this.#permit(name, caller);
      return true;
    } catch (error) {
      if (!(error instanceof LiveError)) this.#report(error);
      return false;
    }
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
}
