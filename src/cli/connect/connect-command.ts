import { createInterface, type Interface } from "node:readline";
import { Command } from "commander";
import { LongwireError, openWebSocket, ping, type WebSocket } from "../../client/index.ts";
import {
  collect,
  parseHeaders,
  parseParams,
  tlsOf,
  wholeNumber,
  withTrust,
  type TrustOptions,
} from "../option-values.ts";
import { PromptLine } from "./prompt-line.ts";
import {
  JsonTranscript,
  PipeTranscript,
  TerminalTranscript,
  type Transcript,
} from "./transcript.ts";

interface ConnectOptions extends TrustOptions {
  param: string[];
  protocol: string[];
  header: string[];
  json?: boolean;
  wait: number;
}

export function connectCommand(): Command {
  return withTrust(new Command("connect"))
    .description("talk to a WebSocket server: type lines to send, see what it sends")
    .argument("<url>", "ws:// or wss://")
    .option(
      "--param <name=value>",
      "a member of a JSON object that is sent first; may be repeated",
      collect,
      [],
    )
    .option("--protocol <name>", "a subprotocol to offer; may be repeated", collect, [])
    .option("-H, --header <name: value>", "a request header; may be repeated", collect, [])
    .option("--json", "print one JSON object per line, for programs")
    .option(
      "--wait <seconds>",
      "after piped input has ended, quit after this much silence",
      wholeNumber,
      1,
    )
    .addHelpText("after", HELP)
    .action(run);
}

const COMMANDS = `  /ping                 measure the round trip
  /close [code reason]  close, by default with 1000
  //text                send a line that starts with a slash
  Ctrl-C or Ctrl-D      close and quit`;

const GREETING = "type a line to send it; /help lists the commands";

const HELP = `
While connected in a terminal:
${COMMANDS}

Examples:
  $ longwire connect ws://127.0.0.1:8080/live/devices --param deviceType=AP
  $ echo hi | longwire connect ws://127.0.0.1:9000
  $ longwire connect ws://127.0.0.1:8080/live/devices --param x=1 --json | jq .json.name`;

async function run(url: string, options: ConnectOptions): Promise<void> {
  const params = parseParams(options.param);
  const socket = openWebSocket(url, {
    protocols: options.protocol,
    headers: parseHeaders(options.header),
    ...tlsOf(options),
  });
  socket.binaryType = "arraybuffer";
  const screen = screenOf(options);
  const lines = createInterface({ input: process.stdin, output: screen });
  const prompt = screen && new PromptLine(lines, screen);
  const transcript = transcriptFor(options, prompt);
  const silenceMs = options.wait * 1_000;
  const conversation = new Conversation(socket, { transcript, params, silenceMs, prompt });
  // A reader that exits early, such as `head`, is not an error.
  process.stdout.on("error", () => process.exit(0));
  process.exitCode = await conversation.hold(lines);
  // The end of a pipe does not mean that a person wants to quit.
  lines.removeAllListeners().close();
  process.stdin.destroy();
}

/** Shows a prompt only if both input and output are terminals. */
function screenOf({ json }: ConnectOptions): NodeJS.WriteStream | undefined {
  const { stdin, stdout } = process;
  return stdin.isTTY && stdout.isTTY && json !== true ? stdout : undefined;
}

function transcriptFor({ json }: ConnectOptions, prompt: PromptLine | undefined): Transcript {
  if (json === true) return new JsonTranscript(process.stdout);
  if (!process.stdout.isTTY) return new PipeTranscript(process.stdout, process.stderr);
  const { NO_COLOR, TERM } = process.env;
  return new TerminalTranscript(process.stdout, {
    colours: !NO_COLOR && TERM !== "dumb",
    aroundLine: { before: () => prompt?.hide(), after: () => prompt?.show() },
  });
}

interface ConversationOptions {
  transcript: Transcript;
  /** Sent as the first message, if not empty. */
  params: Record<string, string>;
  /** How long to wait for silence after piped input has ended, in milliseconds. */
  silenceMs: number;
  prompt: PromptLine | undefined;
}

/** A connection that is used from a terminal or a pipe. */
class Conversation {
  readonly #socket: WebSocket;
  readonly #transcript: Transcript;
  readonly #options: ConversationOptions;
  readonly #prompt: PromptLine | undefined;
  /** Lines that were entered before the connection was open. */
  readonly #early: string[] = [];
  #inputEnded = false;
  #silence: NodeJS.Timeout | undefined;
  #failed = false;
  /** Whether it was closed from this side, whatever the code. */
  #isLeaving = false;

  constructor(socket: WebSocket, options: ConversationOptions) {
    this.#socket = socket;
    this.#transcript = options.transcript;
    this.#prompt = options.prompt;
    this.#options = options;
  }

  /** Resolves with the exit code when the connection has ended. */
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
        this.#wantPrompt(false);
        if (!this.#failed) this.#transcript.write({ kind: "close", code, reason });
        const isGoodEnd = this.#isLeaving || code <= 1001 || code === 1005;
        resolve(!this.#failed && isGoodEnd ? 0 : 1);
      });
    });
  }

  #opened(): void {
    const { url, protocol } = this.#socket;
    this.#wantPrompt(true);
    this.#transcript.write({ kind: "open", url, protocol });
    if (this.#prompt) this.#transcript.write({ kind: "note", text: GREETING });
    const { params } = this.#options;
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
    } else if (line === "" && process.stdin.isTTY) {
      this.#prompt?.show();
    } else if (process.stdin.isTTY && line.startsWith("/") && !line.startsWith("//")) {
      this.#command(line);
    } else {
      this.#prompt?.takeBack(line);
      this.#send(process.stdin.isTTY && line.startsWith("//") ? line.slice(1) : line);
    }
  }

  #command(line: string): void {
    const [name = "", code, ...reason] = line.slice(1).split(" ");
    if (name === "ping") return void this.#ping();
    if (name === "close") return this.#close(Number(code ?? 1000), reason.join(" "));
    if (name === "help")
      return this.#transcript.write({ kind: "note", text: `commands:\n${COMMANDS}` });
    const text = `unknown command /${name}; /help lists the commands, //${name} sends /${name}`;
    this.#transcript.write({ kind: "note", text });
  }

  #close(code: number, reason: string): void {
    try {
      if (!Number.isInteger(code)) throw new TypeError("the close code must be a number");
      this.#socket.close(code, reason);
      this.#isLeaving = true;
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

  /** At a terminal, the end of input means to quit; a pipe waits for its answers first. */
  #endInput(): void {
    this.#inputEnded = true;
    if (process.stdin.isTTY) this.#leave();
    else this.#awaitSilence();
  }

  #awaitSilence(): void {
    clearTimeout(this.#silence);
    if (!this.#inputEnded || this.#socket.readyState !== this.#socket.OPEN) return;
    this.#silence = setTimeout(() => this.#leave(), this.#options.silenceMs);
  }

  #leave(): void {
    if (this.#socket.readyState >= this.#socket.CLOSING) process.exit(0);
    this.#isLeaving = true;
    this.#socket.close(1000);
  }

  #wantPrompt(isWanted: boolean): void {
    if (this.#prompt) this.#prompt.isWanted = isWanted;
  }

  #fail(message: string): void {
    this.#failed = true;
    this.#transcript.write({ kind: "error", message });
  }
}
