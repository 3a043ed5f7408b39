import { LongwireError } from "../../../base/index.ts";
import { type Catalog, LiveError, type Report } from "../../../topics/index.ts";
import { type AskedClient, ClientError } from "../asking/asked-client.ts";
import type { ClusterClients } from "../asking/cluster-clients.ts";
import { type AskedMethods, Question } from "../asking/question.ts";
import type { CommandInfo } from "../../system-topics.ts";
import type { Mailbox } from "./mailbox.ts";
import type { LoggedCommand } from "./open-commands.ts";

interface CourierHost {
  readonly asked: AskedMethods;
  readonly clients: ClusterClients;
  readonly mailbox: Mailbox;
  readonly report: Report;
  readonly slices: Pick<Catalog["slices"], "forEach">;
}

/** The cost of a visit to one identity or command, in units of a slice. */
const VISIT_UNITS = 64;

/** The client's run before this one has begun the command, and ended. */
const INTERRUPTED = "interrupted";

/** An idempotent command that interrupts its client as often as this is `unconfirmed`. */
const MAX_ATTEMPTS = 100;

/** The result of a look at a command. */
type Step =
  /** It has changed, and the next one can be looked at. */
  | "go-on"
  /** Nothing can be done until the command or the client changes. */
  | "wait";

/**
 * Delivers commands to the clients of this server, one at a time to each identity, in the order in
 * which they were given.
 *
 * A command is claimed in the log before it is sent, so that no two servers send it. A client
 * remembers, for as long as it runs, which commands it has begun, so the same run of it can be asked
 * again and again. Another run cannot know what its predecessor has done.
 */
export class Courier {
  readonly #host: CourierHost;
  /** The identities whose command is being delivered. */
  readonly #busy = new Set<string>();
  /** Those for which something has changed meanwhile. */
  readonly #again = new Set<string>();

  constructor(host: CourierHost) {
    this.#host = host;
  }

  /** Called when a command to an identity, or the offers of its clients have changed. */
  deliver(identity: string): void {
    if (this.#busy.has(identity)) {
      this.#again.add(identity);
      return;
    }
    if (this.#host.mailbox.open.next(identity) === undefined) return;
    this.#busy.add(identity);
    void this.#deliverOpen(identity);
  }

  /**
   * Delivers what is open, and ends the commands whose client has not returned in time; called at
   * intervals.
   */
  deliverAll(): void {
    const { mailbox, clients, slices } = this.#host;
    slices.forEach("commands", mailbox.open.identities(), {
      unitsOf: () => VISIT_UNITS,
      visit: (identity) => {
        if (clients.isHere(identity)) this.deliver(identity);
      },
    });
    slices.forEach("commands", mailbox.open.delivered(), {
      unitsOf: () => VISIT_UNITS,
      visit: (command) => this.#endIfOver(command),
    });
  }

  #endIfOver(command: LoggedCommand): void {
    const { mailbox, clients } = this.#host;
    const { expiresAt, connection = "" } = command.info;
    if (expiresAt > mailbox.now || clients.isConnected(connection)) return;
    // Another server was faster, or the broker is unreachable and this is tried again.
    mailbox.change(command, { state: "unconfirmed" }).catch(() => {});
  }

  async #deliverOpen(identity: string): Promise<void> {
    try {
      for (;;) {
        this.#again.delete(identity);
        const step = await this.#deliverNext(identity);
        if (step === "wait" && !this.#again.has(identity)) return;
      }
    } catch (error) {
      // A broker that is away is tried again at the next interval.
      if (!(error instanceof LiveError)) this.#host.report(error);
    } finally {
      this.#busy.delete(identity);
      this.#again.delete(identity);
    }
  }

  async #deliverNext(identity: string): Promise<Step> {
    const { clients, mailbox } = this.#host;
    const command = mailbox.open.next(identity);
    if (command === undefined) return "wait";
    const { method, state, expiresAt } = command.info;
    const client = clients.ownNewest(identity, method);
    if (client === undefined) return "wait";
    if (state === "pending" && expiresAt <= mailbox.now) {
      return this.#change(command, { state: "expired" });
    }
    if (!this.#mayDeliver(command.info, client)) return "wait";
    if (this.#isLost(command.info, client)) return this.#change(command, { state: "unconfirmed" });
    const claimed = await this.#claim(command, client);
    return claimed === undefined ? "wait" : this.#send(claimed, client);
  }

  /** Another run of the client may still be at work on the command. */
  #mayDeliver({ state, run, connection }: CommandInfo, client: AskedClient): boolean {
    if (state === "pending" || run === client.run) return true;
    return connection === undefined || !this.#host.clients.isConnected(connection);
  }

  /** Whether the run that knows what it has done is over. */
  #isLost(info: CommandInfo, client: AskedClient): boolean {
    return info.state === "delivered" && info.run !== client.run && !this.#isIdempotent(info);
  }

  #isIdempotent({ method }: CommandInfo): boolean {
    return this.#host.asked.methods[method]?.isIdempotent === true;
  }

  async #claim(command: LoggedCommand, client: AskedClient): Promise<LoggedCommand | undefined> {
    const { run, caller } = client;
    const { connection } = caller!;
    const { state, ...info } = command.info;
    const isClaimed = state === "delivered" && info.run === run && info.connection === connection;
    if (isClaimed) return command;
    return this.#host.mailbox.change(command, {
      state: "delivered",
      connection,
      ...(run !== undefined && { run }),
    });
  }

  /** @param attempt the number of earlier runs that have begun it, if its method is idempotent */
  async #send(command: LoggedCommand, client: AskedClient, attempt = 0): Promise<Step> {
    const { method, params } = command.info;
    let result: unknown;
    try {
      const question = new Question(this.#host.asked, method, { params, timeoutMs: undefined });
      const key = attempt === 0 ? command.key : `${command.key} ${attempt}`;
      const part = await client.ask({ ...question.request, command: key, signal: undefined });
      result = question.checkedAnswer(part);
    } catch (error) {
      return this.#onFailed(command, client, { error, attempt });
    }
    try {
      return await this.#change(command, { state: "done", result });
    } catch (error) {
      if (!(error instanceof LiveError) || error.code === "unavailable") throw error;
      const message = `The client has done it, and its answer cannot be stored: ${error.message}`;
      return this.#change(command, {
        state: "failed",
        error: { code: "invalid_answer", message },
      });
    }
  }

  #onFailed(
    command: LoggedCommand,
    client: AskedClient,
    { error, attempt }: { error: unknown; attempt: number },
  ): Promise<Step> | Step {
    if (error instanceof LiveError || !(error instanceof LongwireError)) throw error;
    const { code, message } = error;
    if (error instanceof ClientError && error.clientCode === INTERRUPTED) {
      const mayRepeat = this.#isIdempotent(command.info) && attempt < MAX_ATTEMPTS;
      if (mayRepeat) return this.#send(command, client, attempt + 1);
      return this.#change(command, { state: "unconfirmed" });
    }
    if (code === "client_busy") return "wait";
    // It takes longer, and can be asked again; or its connection has ended.
    if (code === "unconfirmed") return client.hasEnded ? "wait" : "go-on";
    const cause = error instanceof ClientError ? error.clientCode : code;
    return this.#change(command, { state: "failed", error: { code: cause, message } });
  }

  async #change(command: LoggedCommand, changes: Partial<CommandInfo>): Promise<Step> {
    const changed = await this.#host.mailbox.change(command, changes);
    // Another server has changed it, and this one will learn of it.
    return changed === undefined ? "wait" : "go-on";
  }
}
