import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { expect } from "vitest";

/** HTTP by hand, so that what was on the wire is known to the byte. */
export class RawConnection {
  readonly socket: Socket;
  sentBytes = 0;
  received = "";

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding("latin1").on("data", (text: string) => (this.received += text));
    socket.on("error", () => {});
  }

  static async open(port: number): Promise<RawConnection> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new RawConnection(socket);
  }

  /** Sends a request; `lines` are its head without the empty line that ends it. */
  send(lines: readonly string[], body = ""): void {
    const text = [...lines, "", body].join("\r\n");
    this.sentBytes += Buffer.byteLength(text);
    this.socket.write(text);
  }

  /** Waits for an answer that carries its length, to its last byte. */
  async answer(): Promise<{ head: string; body: string }> {
    const parts = (): { head: string; body: string } => {
      const end = this.received.indexOf("\r\n\r\n") + 4;
      return { head: this.received.slice(0, end), body: this.received.slice(end) };
    };
    const isWhole = (): boolean => {
      const { head, body } = parts();
      const length = /^content-length: (\d+)/im.exec(head)?.[1] ?? "0";
      return head.length > 4 && body.length >= Number(length);
    };
    await expect.poll(isWhole).toBe(true);
    return parts();
  }
}
