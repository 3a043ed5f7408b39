import type { DeflateRaw, InflateRaw } from "node:zlib";
import type { ZlibContext } from "./zlib-context.ts";

/** Where the context for a message comes from and where it goes when the message is over. */
export interface ContextSource<Stream extends DeflateRaw | InflateRaw> {
  /** Whether a message may refer to those before it. */
  readonly keepsContext: boolean;
  /** Whether its contexts run on the calling thread, by what Node does not document. */
  readonly isSynchronous: boolean;
  take(): ZlibContext<Stream>;
  /** Takes a context back, with nothing under way in it. */
  give(context: ZlibContext<Stream>): void;
  /** Takes one back that is of no use any more. */
  discard(context: ZlibContext<Stream>): void;
}

/** How many idle contexts a pool keeps. */
const KEPT = 4;

/** Contexts that serve whoever needs one for the length of a message; each one starts afresh. */
export class ContextPool<Stream extends DeflateRaw | InflateRaw> implements ContextSource<Stream> {
  readonly keepsContext = false;
  readonly isSynchronous: boolean;
  readonly #create: () => ZlibContext<Stream>;
  readonly #forget: (context: ZlibContext<Stream>) => void;
  readonly #idle: ZlibContext<Stream>[] = [];

  /** @param forget makes a context that has been used as good as new */
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
    // Without a handle there is no way to reset but one that only works between messages.
    if (this.#idle.length >= KEPT || context.sync === undefined) return this.discard(context);
    this.#forget(context);
    this.#idle.push(context);
  }

  discard(context: ZlibContext<Stream>): void {
    context.stream.destroy();
  }
}

/** The context of one connection, made at its first message. */
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
