import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { frame, PING, TEXT } from "../abuse/web-socket.ts";
import { handshake } from "../rigs/sockets/raw-client.ts";

/** The forms in which a client keeps something open with its credentials. */
export const credentialForms = ["socket", "event stream", "long poll"] as const;

export type CredentialForm = (typeof credentialForms)[number];

interface Use {
  readonly port: number;
  readonly token: string;
  /** Refused credentials are counted by address. */
  readonly localAddress: string;
  readonly signal: AbortSignal;
  /** Called when the server has accepted the credentials. */
  readonly onAccepted?: () => void;
}

/** How a use of credentials ended. */
export interface Ended {
  /** Whether the server answered that the credentials are not valid. */
  isRefused: boolean;
  /** Until when it was open, in ms; `undefined` if it was not accepted. */
  openUntil: number | undefined;
  /** Messages that came after the server had announced the end. */
  sentAfterEnd: number;
}

/** Uses credentials in one form, and resolves when the server or the network has ended it. */
export function useCredentials(form: CredentialForm, use: Use): Promise<Ended> {
  if (form === "socket") return openSocket(use);
  return form === "event stream" ? openStream(use) : openPoll(use);
}

const CLOSE = 8;
const PONG = 10;
const UNAUTHORIZED = 4401;
const WAIT_S = 30;
/** Matches no event, so that a poll waits. */
const NOTHING = "nobody=x";

/** Level 1, with a reader of its own: Longwire's client would hide what comes after the end. */
function openSocket({ port, token, localAddress, signal, onAccepted }: Use): Promise<Ended> {
  const ended: Ended = { isRefused: false, openUntil: undefined, sentAfterEnd: 0 };
  const socket = connect({ port, host: "127.0.0.1", localAddress, signal });
  const send = (message: object): void => {
    socket.write(frame(TEXT, Buffer.from(JSON.stringify(message))));
  };
  let isAccepted = false;
  let isEnding = false;
  let closedAt: number | undefined;
  const onText = (text: string): void => {
    if (isEnding) ended.sentAfterEnd += 1;
    else if (text.startsWith('{"type":"welcome"')) {
      isAccepted = true;
      send({ type: "subscribe", id: 1, topic: "news" });
      onAccepted?.();
    } else if (text.startsWith('{"type":"disconnect"')) isEnding = true;
  };
  const onFrame = (opcode: number, payload: Buffer): void => {
    if (opcode === TEXT) onText(payload.toString());
    if (opcode === PING) socket.write(frame(PONG, payload));
    if (opcode !== CLOSE) return;
    isEnding = true;
    closedAt ??= performance.now();
    ended.isRefused = !isAccepted && payload.length > 1 && payload.readUInt16BE() === UNAUTHORIZED;
    socket.write(frame(CLOSE, payload));
  };
  socket.on("data", frameReader(onFrame));
  socket.on("error", () => {});
  socket.write(handshake("/live", { "Sec-WebSocket-Protocol": "longwire.v1" }));
  send({ type: "hello", token });
  return new Promise((resolve) => {
    socket.on("close", () => {
      if (isAccepted) ended.openUntil = closedAt ?? performance.now();
      resolve(ended);
    });
  });
}

/** Reads the frames of a server behind its handshake. */
function frameReader(onFrame: (opcode: number, payload: Buffer) => void): (chunk: Buffer) => void {
  let isUpgraded = false;
  let rest = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isUpgraded) {
      const end = rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      isUpgraded = true;
      rest = rest.subarray(end + 4);
    }
    for (;;) {
      if (rest.length < 2) return;
      const short = rest[1]! & 0x7f;
      const header = short < 126 ? 2 : short === 126 ? 4 : 10;
      if (rest.length < header) return;
      const length =
        header === 2
          ? short
          : header === 4
            ? rest.readUInt16BE(2)
            : Number(rest.readBigUInt64BE(2));
      if (rest.length < header + length) return;
      onFrame(rest[0]! & 0x0f, rest.subarray(header, header + length));
      rest = rest.subarray(header + length);
    }
  };
}

/** A stream that cannot be accepted for the moment begins as well, and ends without an event. */
async function openStream(use: Use): Promise<Ended> {
  let isAccepted = false;
  const response = await request(use, "/live/news", { accept: "text/event-stream" });
  const ended: Ended = { ...NOT_OPEN, isRefused: response?.statusCode === 401 };
  if (response === undefined) return ended;
  await textOf(response, (text) => {
    if (isAccepted || !text.includes("data:")) return;
    isAccepted = true;
    use.onAccepted?.();
  });
  if (isAccepted) ended.openUntil = performance.now();
  return ended;
}

async function openPoll(use: Use): Promise<Ended> {
  const path = `/live/devices?${NOTHING}`;
  const state = await request(use, path);
  const ended: Ended = { ...NOT_OPEN, isRefused: state?.statusCode === 401 };
  if (state === undefined) return ended;
  const text = await textOf(state);
  if (state.statusCode !== 200 || text === undefined) return ended;
  const { epoch, offset } = JSON.parse(text) as { epoch: string; offset: number };
  use.onAccepted?.();
  const poll = await request(use, `${path}&wait=${WAIT_S}&epoch=${epoch}&offset=${offset}`);
  if (poll !== undefined) await textOf(poll);
  return { ...ended, isRefused: poll?.statusCode === 401, openUntil: performance.now() };
}

const NOT_OPEN: Ended = { isRefused: false, openUntil: undefined, sentAfterEnd: 0 };

/** Resolves with the response's head; with `undefined` if there is none. */
function request(
  { port, token, localAddress, signal }: Use,
  path: string,
  more: Record<string, string> = {},
): Promise<IncomingMessage | undefined> {
  const headers = { authorization: `Bearer ${token}`, ...more };
  return new Promise((resolve) => {
    get({ host: "127.0.0.1", port, path, localAddress, headers, signal, agent: false }, resolve).on(
      "error",
      () => resolve(undefined),
    );
  });
}

/** Resolves with the whole body; with `undefined` if it was cut. */
function textOf(
  response: IncomingMessage,
  onText: (text: string) => void = () => {},
): Promise<string | undefined> {
  let all = "";
  response.setEncoding("utf8").on("data", (text: string) => {
    all += text;
    onText(text);
  });
  response.on("error", () => {});
  return new Promise((resolve) => {
    response.on("close", () => resolve(response.complete ? all : undefined));
  });
}
