import { readFileSync } from "node:fs";
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { onTestFinished } from "vitest";
import { makeCertificate } from "../processes/tls-certificate.ts";
import { readFrames, type WireFrame } from "../protocol/read-frames.ts";

/** A certificate for a test server, in the form of the `tls` option. */
export function testTls(): { cert: Buffer; key: Buffer } {
  const { cert, key } = makeCertificate();
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

/** Opens an HTTP/2 connection; resolves once the server's settings have arrived. */
export async function openSession(origin: string): Promise<ClientHttp2Session> {
  const session = connect(origin, { rejectUnauthorized: false });
  onTestFinished(() => session.destroy());
  session.on("error", () => {});
  await new Promise((resolve) => session.once("remoteSettings", resolve));
  return session;
}

/** An extended CONNECT, with everything that was received on its stream. */
export class RawStream {
  readonly stream: ClientHttp2Stream;
  readonly #chunks: Buffer[] = [];
  readonly #waiting = new Set<() => void>();
  hasEnded = false;
  isClosed = false;
  response: Record<string, unknown> | undefined;

  constructor(
    session: ClientHttp2Session,
    headers: Record<string, string | string[] | undefined> = {},
  ) {
    const request = {
      ":method": "CONNECT",
      ":protocol": "websocket",
      ":scheme": "https",
      ":path": "/",
      "sec-websocket-version": "13",
      ...headers,
    };
    const given = Object.entries(request).filter(([, value]) => value !== undefined);
    this.stream = session.request(Object.fromEntries(given), { endStream: false });
    this.stream.on("response", (head) => {
      this.response = head;
      this.#wake();
    });
    this.stream.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.#wake();
    });
    this.stream.on("end", () => {
      this.hasEnded = true;
      this.#wake();
    });
    this.stream.on("close", () => {
      this.isClosed = true;
      this.#wake();
    });
    this.stream.on("error", () => {});
  }

  write(bytes: Uint8Array): void {
    this.stream.write(bytes);
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  /** Resolves with the response's status. */
  async status(): Promise<unknown> {
    await this.until(() => this.response !== undefined || this.isClosed);
    return this.response?.[":status"];
  }

  async framesWhen(count: number): Promise<WireFrame[]> {
    const frames = (): WireFrame[] => {
      try {
        return readFrames(this.body);
      } catch {
        return [];
      }
    };
    await this.until(() => frames().length >= count);
    return frames();
  }

  until(isMet: () => boolean): Promise<void> {
    if (isMet()) return Promise.resolve();
    return new Promise((resolve) => {
      const check = (): void => {
        if (!isMet()) return;
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
    });
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }
}
