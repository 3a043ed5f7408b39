import type { Duplex } from "node:stream";

/** The stream ended while data or an event was awaited. */
export class StreamEnded extends Error {
  constructor() {
    super("the connection was closed");
  }
}

/** The result of a reader. `rest` are the bytes after the answer. */
export interface Received<Answer> {
  answer: Answer;
  rest: Uint8Array;
}

/** Waits for an event of a stream. @throws StreamEnded, or the stream's error */
export function eventOf(stream: Duplex, name: string): Promise<void> {
  return settledBy(stream, (resolve) => ({ [name]: () => resolve() }));
}

/**
 * Reads until `receive` returns a result, and leaves the stream paused.
 *
 * @param receive called with each chunk; an error that it throws is thrown here
 * @throws StreamEnded, or the stream's error
 */
export function readUntil<Answer>(
  stream: Duplex,
  receive: (chunk: Uint8Array) => Received<Answer> | undefined,
): Promise<Received<Answer>> {
  return settledBy(stream, (resolve, reject) => {
    // The stream may have ended between two reads, when nothing listened.
    if (stream.destroyed || stream.readableEnded) reject(new StreamEnded());
    return {
      data: (chunk: Uint8Array) => {
        try {
          const received = receive(chunk);
          if (received === undefined) return;
          stream.pause();
          resolve(received);
        } catch (error) {
          reject(error);
        }
      },
    };
  });
}

/** Like `readUntil`, but puts the bytes after the answer back into the stream. */
export async function readAnswer<Answer>(
  stream: Duplex,
  receive: (chunk: Uint8Array) => Received<Answer> | undefined,
): Promise<Answer> {
  const { answer } = await readUntil(stream, (chunk) => {
    const received = receive(chunk);
    if (received === undefined || received.rest.length === 0) return received;
    // Synchronously, because the stream could end before an await returns, and unshift would then
    // fail. Paused first, because a flowing stream would emit the bytes again immediately.
    stream.pause();
    stream.unshift(received.rest);
    return received;
  });
  return answer;
}

/** An event has at most one argument here: a chunk or an error. */
type Listeners = Record<string, (argument: Uint8Array & Error) => void>;

function settledBy<Value>(
  stream: Duplex,
  listen: (resolve: (value: Value) => void, reject: (error: unknown) => void) => Listeners,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      for (const [name, listener] of Object.entries(listeners)) stream.off(name, listener);
    };
    const fail = (error: unknown): void => {
      settle();
      reject(error);
    };
    const succeed = (value: Value): void => {
      settle();
      resolve(value);
    };
    const listeners: Listeners = {
      end: () => fail(new StreamEnded()),
      close: () => fail(new StreamEnded()),
      error: fail,
    };
    Object.assign(listeners, listen(succeed, fail));
    for (const [name, listener] of Object.entries(listeners)) stream.on(name, listener);
    if ("data" in listeners) stream.resume();
  });
}
