import type { DeflateRaw, InflateRaw } from "node:zlib";
import type { ZlibContext } from "./zlib-context.ts";

/** Provides the context for a message, and takes it back afterwards. */
export interface ContextSource<Stream extends DeflateRaw | InflateRaw> {
  /** Whether messages may refer to earlier ones. */
  readonly keepsContext: boolean;
  /** Whether its contexts run on the calling thread, with undocumented parts of Node. */
  readonly isSynchronous: boolean;
  take(): ZlibContext<Stream>;
  /** Takes back a context that has no work in progress. */
  give(context: ZlibContext<Stream>): void;
  /** Takes back a context that cannot be used any more. */
  discard(context: ZlibContext<Stream>): void;
}

/** The maximum number of idle contexts in a pool. */
const KEPT = 4;

/** Contexts that are lent for one message at a time; each message starts with an empty window. */
export class ContextPool<Stream extends DeflateRaw | InflateRaw> implements ContextSource<Stream> {
  readonly keepsContext = false;
  readonly isSynchronous: boolean;
  readonly #create: () => ZlibContext<Stream>;
  readonly #forget: (context: ZlibContext<Stream>) => void;
  readonly #idle: ZlibContext<Stream>[] = [];

  /** @param forget resets a used context */
  constructor(
    isSynchronous: boolean,
    create: () => ZlibContext<Stream>,
    forget: (context: ZlibContext<Stream>) => void = () => {},
  ) {
    this.isSynchronous = isSynchronous;
    this.#create = create;
    this.#forget = forget;
  }

  take(): ZlibContext<Stream> {
    return this.#idle.pop() ?? this.#create();
  }

  give(context: ZlibContext<Stream>): void {
    // Without a handle, a context can be reset only between messages, so it is not reused.
    if (this.#idle.length >= KEPT || context.sync === undefined) return this.discard(context);
    this.#forget(context);
    this.#idle.push(context);
  }

  discard(context: ZlibContext<Stream>): void {
    context.stream.destroy();
  }
}

/** The context of one connection, created for its first message. */
export class OwnContext<Stream extends DeflateRaw | InflateRaw> implements ContextSource<Stream> {
  readonly keepsContext = true;
  readonly isSynchronous: boolean;
  readonly #create: () => ZlibContext<Stream>;
  #context: ZlibContext<Stream> | undefined;

  constructor(isSynchronous: boolean, create: () => ZlibContext<Stream>) {
    this.isSynchronous = isSynchronous;
    this.#create = create;
  }

  take(): ZlibContext<Stream> {
    return (this.#context ??= this.#create());
  }

  give(): void {}

  discard(): void {
    this.#context?.stream.destroy();
    this.#context = undefined;
  }
}
