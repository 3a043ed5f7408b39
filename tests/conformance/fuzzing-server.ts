import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { createServer as createTlsServer } from "node:tls";
import { onTestFinished } from "vitest";
import { plainFrame, type FrameOptions } from "../rigs/protocol/masked-frame.ts";
import type { Certificate } from "./carriers/certificate.ts";
import { answerUpgrade } from "./carriers/http1-handshake.ts";
import { RawPipe } from "./carriers/raw-pipe.ts";
import { close, text } from "./frames.ts";

/** The data of a case, and the number of frames to wait for. */
export interface FuzzingCase {
  sends: readonly FrameOptions[];
  awaits: number;
}

export interface FuzzingOptions {
  cases: readonly FuzzingCase[];
  /** The response to `/getCaseCount`. Default: the number of cases. */
  count?: string;
  tls?: Certificate;
}

/**
 * Serves cases like a fuzzing server: their count, each case, and the request for a report, one
 * after the other, each in a separate connection.
 */
export class FuzzingServer {
  /** The requested targets, in order. */
  readonly targets: string[] = [];
  /** The replies to each case, as opcodes and payloads. */
  readonly answers = new Map<string, string[]>();
  readonly #options: FuzzingOptions;
  readonly #server: Server;

  private constructor(options: FuzzingOptions) {
    const onConnection = (socket: Socket): void => void this.#serve(socket);
    this.#options = options;
    this.#server = options.tls
      ? createTlsServer(options.tls, onConnection)
      : createServer(onConnection);
  }

  /** Starts a server that is closed at the end of the test. */
  static async start(options: FuzzingOptions): Promise<FuzzingServer> {
    const fuzzing = new FuzzingServer(options);
    await new Promise<void>((resolve) => fuzzing.#server.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void fuzzing.#server.close());
    return fuzzing;
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `${this.#options.tls ? "wss" : "ws"}://127.0.0.1:${port}`;
  }

  async #serve(socket: Socket): Promise<void> {
    socket.on("error", () => {});
    const { target } = await answerUpgrade(socket, undefined);
    this.targets.push(target);
    const pipe = new RawPipe(socket, () => socket.destroy());
    const isClosed = await this.#talk(target, pipe);
    if (!isClosed) {
      pipe.write(plainFrame(close(1000)));
      await pipe.frames(1);
    }
    pipe.end();
  }

  /** Returns whether both Close frames were exchanged. */
  async #talk(target: string, pipe: RawPipe): Promise<boolean> {
    const { cases, count } = this.#options;
    const { pathname, searchParams } = new URL(target, "ws://localhost");
    if (pathname === "/getCaseCount") pipe.write(plainFrame(text(count ?? String(cases.length))));
    const number = searchParams.get("case");
    const one = number === null ? undefined : cases[Number(number) - 1];
    if (pathname !== "/runCase" || number === null || one === undefined) return false;
    for (const frame of one.sends) pipe.write(plainFrame(frame));
    const frames = await pipe.frames(one.awaits);
    this.answers.set(
      number,
      frames.map(({ opcode, payload }) => `${opcode} ${Buffer.from(payload).toString("hex")}`),
    );
    return one.sends.some(({ opcode }) => opcode === 0x8);
  }
}
