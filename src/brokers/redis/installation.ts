import { LiveError } from "../../topics/index.ts";
import { RefusedError, UnansweredError } from "../shared/engine-errors.ts";
import type { Link } from "./link.ts";
import { topicTag } from "./topic-keys.ts";

/**
 * The name of what Redis holds under a prefix, made up once. An emptied Redis gets another one, so
 * the epochs of topics that were never appended to follow from it.
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
   * Reads the name, and writes it if there is none. While its server cannot be reached, as one
   * shard of a cluster, the name is the one that was read before.
   *
   * @returns an empty text if the name is at another server of a cluster than the only one known
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
