import { onTestFinished } from "vitest";
import type { Message } from "./live-client.ts";

/** Reads server-sent events one by one. */
export class EventReader {
  readonly response: Response;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  #text = "";

  private constructor(response: Response) {
    this.response = response;
    this.#reader = response.body!.getReader();
  }

  static async open(url: string, lastEventId?: string): Promise<EventReader> {
    const ending = new AbortController();
    onTestFinished(() => ending.abort());
    const headers = {
      Accept: "text/event-stream",
      ...(lastEventId && { "Last-Event-ID": lastEventId }),
    };
    return new EventReader(await fetch(url, { headers, signal: ending.signal }));
  }

  /** The next one that has data. */
  async next(): Promise<{ id: string | undefined; data: Message }> {
    for (;;) {
      const end = this.#text.indexOf("\n\n");
      if (end === -1) {
        const { value, done } = await this.#reader.read();
        if (done) throw new Error("the stream has ended");
        this.#text += new TextDecoder().decode(value);
        continue;
      }
      const lines = this.#text.slice(0, end).split("\n");
      this.#text = this.#text.slice(end + 2);
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
      const data = field("data");
      if (data !== undefined) return { id: field("id"), data: JSON.parse(data) as Message };
    }
  }
}
