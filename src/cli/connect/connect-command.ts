import { createInterface, type Interface } from "node:readline";
import { Command } from "commander";
import { LongwireError, openWebSocket, ping, type WebSocket } from "../../client/index.ts";
import { collect, parseHeaders, parseParams, wholeNumber } from "../option-values.ts";
import {
  JsonTranscript,
  PipeTranscript,
  TerminalTranscript,
  type Transcript,
} from "./transcript.ts";

interface ConnectOptions {
  param: string[];
  protocol: string[];
  header: string[];
  json?: boolean;
  wait: number;
}

export function connectCommand(): Command {
  return new Command("connect")
    .description("talk to a WebSocket server: type a line to send it, see what comes")
    .argument("<url>", "ws:// or wss://")
    .option("--param <name=value>", "sent as a JSON object first; may be repeated", collect, [])
    .option("--protocol <name>", "a subprotocol to offer; may be repeated", collect, [])
    .option("-H, --header <name: value>", "a request header; may be repeated", collect, [])
    .option("--json", "print one JSON object a line, for programs")
    .option(
      "--wait <seconds>",
      "once piped input has ended, leave after so much silence",
      wholeNumber,
      1,
    )
    .addHelpText("after", HELP)
    .action(run);
}

const HELP = `
While connected in a terminal:
  /ping                 measure the round trip
  /close [code reason]  close, by default with 1000
  //text                send a line that starts with a slash
  Ctrl-C or Ctrl-D      close and leave

Examples:
  $ longwire connect ws://127.0.0.1:8080/live/devices --param deviceType=AP
  $ echo hi | longwire connect ws://127.0.0.1:9000
  $ longwire connect ws://127.0.0.1:8080/live/devices --param x=1 --json | jq .json.name`;

async function run(url: string, options: ConnectOptions): Promise<void> {
  const socket = openWebSocket(url, {
    protocols: options.protocol,
    headers: parseHeaders(options.header),
  });
  socket.binaryType = "arraybuffer";
  const lines = createInterface({ input: process.stdin, output: promptOutput(), prompt: "> " });
  const conversation = new Conversation(socket, transcriptFor(options, lines), options);
  // A reader that has seen enough, such as `head`, is no error.
  process.stdout.on("error", () => process.exit(0));
  process.exitCode = await conversation.hold(lines);
  lines.close();
  process.stdin.destroy();
}

/** Only where a person types at a terminal is there a prompt. */
function promptOutput(): NodeJS.WriteStream | undefined {
  return process.stdin.isTTY && process.stdout.isTTY ? process.stdout : undefined;
}

function transcriptFor({ json }: ConnectOptions, lines: Interface): Transcript {
  if (json === true) return new JsonTranscript(process.stdout);
  if (!process.stdout.isTTY) return new PipeTranscript(process.stdout, process.stderr);
  const prompting = process.stdin.isTTY;
  return new TerminalTranscript(process.stdout, {
    colours: process.env["NO_COLOR"] === undefined,
    aroundLine: {
      before: () => void (prompting && process.stdout.write("\r\u001b[K")),
      after: () => void (prompting && lines.prompt(true)),
    },
  });
}

/** A connection that a person, or a pipe, talks through. */
class Conversation {
  readonly #socket: WebSocket;
  readonly #transcript: Transcript;
  readonly #options: ConnectOptions;
  /** Lines that came before the connection was open. */
  readonly #early: string[] = [];
  #inputEnded = false;
  #silence: NodeJS.Timeout | undefined;
  #failed = false;

  constructor(socket: WebSocket, transcript: Transcript, options: ConnectOptions) {
    this.#socket = socket;
    this.#transcript = transcript;
    this.#options = options;
  }

  /** Resolves with the exit code once the connection is over. */
  hold(lines: Interface): Promise<number> {
    const socket = this.#socket;
    lines.on("line", (line) => this.#input(line));
    lines.on("close", () => this.#endInput());
    lines.on("SIGINT", () => this.#leave());
    process.on("SIGINT", () => this.#leave());
    process.on("SIGTERM", () => this.#leave());
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#received(event.data));
    socket.addEventListener("error", (event) => this.#fail(event.message));
    return new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => {
        clearTimeout(this.#silence);
        if (!this.#failed) this.#transcript.write({ kind: "close", code, reason });
        resolve(this.#failed || (code > 1001 && code !== 1005) ? 1 : 0);
      });
    });
  }

  #opened(): void {
    const { url, protocol } = this.#socket;
    this.#transcript.write({ kind: "open", url, protocol });
    const params = parseParams(this.#options.param);
    if (Object.keys(params).length > 0) this.#send(JSON.stringify(params));
    for (const line of this.#early.splice(0)) this.#input(line);
    this.#awaitSilence();
  }

  #received(data: unknown): void {
    const shown = typeof data === "string" ? data : new Uint8Array(data as ArrayBuffer);
    this.#transcript.write({ kind: "message", direction: "in", data: shown });
    this.#awaitSilence();
  }

  #input(line: string): void {
    if (this.#socket.readyState === this.#socket.CONNECTING) {
      this.#early.push(line);
    } else if (process.stdin.isTTY && line.startsWith("/") && !line.startsWith("//")) {
      this.#command(line);
    } else if (line !== "" || !process.stdin.isTTY) {
      this.#send(process.stdin.isTTY && line.startsWith("//") ? line.slice(1) : line);
    }
  }

  #command(line: string): void {
    const [name = "", code, ...reason] = line.slice(1).split(" ");
    if (name === "ping") {
      void this.#ping();
    } else if (name === "close") {
      this.#close(code === undefined ? 1000 : Number(code), reason.join(" "));
    } else {
      const text = `there is no command /${name}; /ping and /close are there, //text sends /text`;
      this.#transcript.write({ kind: "note", text });
    }
  }

  #close(code: number, reason: string): void {
    try {
      this.#socket.close(code, reason);
    } catch (error) {
      this.#transcript.write({ kind: "note", text: (error as Error).message });
    }
  }

  async #ping(): Promise<void> {
    try {
      this.#transcript.write({ kind: "pong", milliseconds: await ping(this.#socket) });
    } catch (error) {
      if (!(error instanceof LongwireError)) throw error;
      this.#transcript.write({ kind: "note", text: error.message });
    }
  }

  #send(data: string): void {
    this.#socket.send(data);
    this.#transcript.write({ kind: "message", direction: "out", data });
  }

  /** A person who ends the input wants to leave; a pipe wants its answers first. */
  #endInput(): void {
    this.#inputEnded = true;
    if (process.stdin.isTTY) this.#leave();
    else this.#awaitSilence();
  }

  #awaitSilence(): void {
    clearTimeout(this.#silence);
    if (!this.#inputEnded || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#silence = setTimeout(() => this.#leave(), this.#options.wait * 1_000);
  }

  #leave(): void {
    if (this.#socket.readyState >= this.#socket.CLOSING) process.exit(0);
    this.#socket.close(1000);
  }

  #fail(message: string): void {
    this.#failed = true;
    this.#transcript.write({ kind: "error", message });
  }
}
