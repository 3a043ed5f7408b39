import type { Socket } from "node:net";
import { TOKEN, write, type Abuser } from "./abuser.ts";

/** The head of an HTTP/1.1 request. */
export function requestHead(
  abuser: Abuser,
  startLine: string,
  headers: Record<string, string> = {},
  showsToken = true,
): string {
  const { host, port, asksForToken } = abuser.target;
  const lines = [
    `${startLine} HTTP/1.1`,
    `Host: ${host}:${port}`,
    ...(asksForToken && showsToken ? [`Authorization: Bearer ${TOKEN}`] : []),
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** A whole POST to a topic. */
export function postRequest(abuser: Abuser, topic: string, body: string): string {
  const headers = {
    "Content-Type": "application/json",
    "Content-Length": String(Buffer.byteLength(body)),
  };
  return requestHead(abuser, `POST /live/${topic}`, headers) + body;
}

/** A connection over which requests go one after the other, each when the last is answered. */
export class HttpClient {
  readonly socket: Socket;
  #answers = 0;
  #onAnswer = (): void => {};

  private constructor(socket: Socket) {
    this.socket = socket;
    // Every answer has a status line; no body of this server's has one.
    socket.on("data", (chunk) => {
      this.#answers += (chunk as Buffer).toString("latin1").split("HTTP/1.1 ").length - 1;
      this.#onAnswer();
    });
    socket.once("close", () => this.#onAnswer());
  }

  static async open(abuser: Abuser): Promise<HttpClient> {
    return new HttpClient(await abuser.connect());
  }

  /** Sends requests together and waits until each has the start of its answer. */
  async ask(requests: string, count = 1): Promise<void> {
    const wanted = this.#answers + count;
    await write(this.socket, requests);
    while (this.#answers < wanted) {
      if (this.socket.destroyed) throw new Error("closed");
      await new Promise<void>((resolve) => (this.#onAnswer = resolve));
    }
  }
}
