import { LiveError } from "../../topics/index.ts";
import { RefusedError, UnansweredError } from "../shared/engine-errors.ts";
import type { Link } from "./link/link.ts";
import { topicTag } from "./topic/topic-keys.ts";

/**
 * The name of the data that Redis holds under a prefix, created once. An emptied Redis gets another
 * one, so the epochs of topics that were never appended to are derived from it.
 */
export class Installation {
  readonly #link: Link;
  readonly #key: string;
  #name: string | undefined;

  constructor(link: Link, prefix: string) {
    this.#link = link;
    // No topic has an empty name.
    this.#key = `${topicTag(prefix, "")}:installation`;
  }

  /**
   * Reads the name, and creates it if it does not exist. While its server is unreachable, such as
   * one shard of a cluster, returns the name that was read before.
   *
   * @returns an empty text if the name is on an unreachable server of a cluster and was never read
   * @throws LiveError `unavailable` as a rejection
   */
  async read(): Promise<string> {
    try {
      const [name] = await this.#link.run("installation", [this.#key], [crypto.randomUUID()]);
      this.#name = String(name);
      return this.#name;
    } catch (error) {
      if (error instanceof RefusedError && error.answer.startsWith("MOVED ")) return "";
      if (this.#name !== undefined) return this.#name;
      throw error instanceof UnansweredError ? new LiveError("unavailable", error.message) : error;
    }
  }
}
