import { EventEmitter } from "node:events";
import type {
  Agent,
  ClientRequest,
  ClientRequestArgs,
  IncomingMessage,
  OutgoingHttpHeaders,
  Server as HttpServer,
} from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex, DuplexOptions, Writable } from "node:stream";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { ZlibOptions } from "node:zlib";

/** Called with nothing once what was sent is written, or with why it is not. */
type SendCallback = (error?: Error) => void;

/** A listener as pages write it. */
type EventListener<Event> = ((event: Event) => void) | { handleEvent(event: Event): void };

/** The `WebSocket` of the npm package `ws`; see docs/reference/ws.md for what differs. */
declare class WebSocket extends EventEmitter {
  static readonly CONNECTING: 0;
  static readonly OPEN: 1;
  static readonly CLOSING: 2;
  static readonly CLOSED: 3;
  readonly CONNECTING: 0;
  readonly OPEN: 1;
  readonly CLOSING: 2;
  readonly CLOSED: 3;

  /** How binary messages come. Default `"nodebuffer"`. */
  get binaryType(): "nodebuffer" | "arraybuffer" | "fragments";
  set binaryType(type: "nodebuffer" | "arraybuffer" | "fragments" | "blob");
  /** Bytes that were sent and that the operating system has not taken, frame headers included. */
  readonly bufferedAmount: number;
  /** The agreed extensions, `""` or `"permessage-deflate"`. */
  readonly extensions: string;
  readonly isPaused: boolean;
  /** The agreed subprotocol, or `""`. */
  readonly protocol: string;
  readonly readyState: 0 | 1 | 2 | 3;
  /** Where a client connects to. */
  readonly url: string;

  onopen: ((event: WebSocket.Event) => void) | null;
  onerror: ((event: WebSocket.ErrorEvent) => void) | null;
  onclose: ((event: WebSocket.CloseEvent) => void) | null;
  onmessage: ((event: WebSocket.MessageEvent) => void) | null;

  /** A socket that `setSocket` opens. */
  constructor(address: null, protocols?: undefined, options?: WebSocket.ClientOptions);
  /** @throws SyntaxError, RangeError for an address, subprotocol or version that is none */
  constructor(address: string | URL, options?: WebSocket.ClientOptions | ClientRequestArgs);
  constructor(
    address: string | URL,
    protocols?: string | string[],
    options?: WebSocket.ClientOptions | ClientRequestArgs,
  );

  /** Begins the closing handshake. @throws TypeError, RangeError */
  close(code?: number, data?: string | Buffer): void;
  /** Ends the connection at once. */
  terminate(): void;
  /** Reads nothing more until `resume`. */
  pause(): void;
  resume(): void;
  /** @throws RangeError for more than 125 bytes; Error while connecting */
  ping(data?: any, mask?: boolean, callback?: (error: Error) => void): void;
  /** @throws RangeError for more than 125 bytes; Error while connecting */
  pong(data?: any, mask?: boolean, callback?: (error: Error) => void): void;
  /** Sends a message, or with `fin: false` a fragment. @throws Error while connecting */
  send(data: WebSocket.Sendable, callback?: SendCallback): void;
  send(data: WebSocket.Sendable, options: WebSocket.SendOptions, callback?: SendCallback): void;

  addEventListener<Type extends keyof WebSocket.WebSocketEventMap>(
    type: Type,
    listener: EventListener<WebSocket.WebSocketEventMap[Type]>,
    options?: WebSocket.EventListenerOptions,
  ): void;
  removeEventListener<Type extends keyof WebSocket.WebSocketEventMap>(
    type: Type,
    listener: EventListener<WebSocket.WebSocketEventMap[Type]>,
  ): void;

  on<Name extends keyof WebSocket.Events>(
    event: Name,
    listener: (this: WebSocket, ...given: WebSocket.Events[Name]) => void,
  ): this;
  on(event: string | symbol, listener: (this: WebSocket, ...given: any[]) => void): this;
  once<Name extends keyof WebSocket.Events>(
    event: Name,
    listener: (this: WebSocket, ...given: WebSocket.Events[Name]) => void,
  ): this;
  once(event: string | symbol, listener: (this: WebSocket, ...given: any[]) => void): this;
  off<Name extends keyof WebSocket.Events>(
    event: Name,
    listener: (this: WebSocket, ...given: WebSocket.Events[Name]) => void,
  ): this;
  off(event: string | symbol, listener: (this: WebSocket, ...given: any[]) => void): this;
  addListener<Name extends keyof WebSocket.Events>(
    event: Name,
    listener: (...given: WebSocket.Events[Name]) => void,
  ): this;
  addListener(event: string | symbol, listener: (...given: any[]) => void): this;
  removeListener<Name extends keyof WebSocket.Events>(
    event: Name,
    listener: (...given: WebSocket.Events[Name]) => void,
  ): this;
  removeListener(event: string | symbol, listener: (...given: any[]) => void): this;
}

/** The class under the name by which its namespace can speak of it. */
declare const WebSocketAlias: typeof WebSocket;
interface WebSocketAlias extends WebSocket {}

declare namespace WebSocket {
  type RawData = Buffer | ArrayBuffer | Buffer[];
  type Data = string | Buffer | ArrayBuffer | Buffer[];

  /** What `send` takes: text, bytes, a Blob, and whatever `Buffer.from` takes. */
  type Sendable =
    | string
    | number
    | ArrayBufferLike
    | ArrayBufferView
    | Blob
    | readonly any[]
    | { valueOf(): ArrayBufferLike | Uint8Array | readonly number[] | string }
    | { [Symbol.toPrimitive](hint: string): string };

  interface SendOptions {
    /** Default: whether the data is no text. */
    binary?: boolean | undefined;
    /** Default true, where compression was agreed. */
    compress?: boolean | undefined;
    /** Whether this is the message's last fragment. Default true. */
    fin?: boolean | undefined;
    /** Default true for a client and false for a server, as RFC 6455 demands. */
    mask?: boolean | undefined;
  }

  interface Events {
    open: [];
    message: [data: RawData, isBinary: boolean];
    ping: [data: Buffer];
    pong: [data: Buffer];
    close: [code: number, reason: Buffer];
    error: [error: Error];
    upgrade: [response: IncomingMessage];
    redirect: [url: string, request: ClientRequest];
    "unexpected-response": [request: ClientRequest, response: IncomingMessage];
  }

  interface Event {
    type: string;
    target: WebSocket;
  }
  interface ErrorEvent extends Event {
    error: any;
    message: string;
  }
  interface CloseEvent extends Event {
    wasClean: boolean;
    code: number;
    reason: string;
  }
  interface MessageEvent extends Event {
    data: Data;
  }
  interface WebSocketEventMap {
    open: Event;
    error: ErrorEvent;
    close: CloseEvent;
    message: MessageEvent;
  }
  interface EventListenerOptions {
    once?: boolean | undefined;
  }

  type CertMeta = string | string[] | Buffer | Buffer[];
  type FinishRequestCallback = (request: ClientRequest, websocket: WebSocket) => void;
  type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (info: {
    origin: string;
    secure: boolean;
    req: Request;
  }) => boolean;
  type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
    info: { origin: string; secure: boolean; req: Request },
    callback: (
      verified: boolean,
      code?: number,
      message?: string,
      headers?: OutgoingHttpHeaders,
    ) => void,
  ) => void;

  interface ConnectionOptions {
    allowSynchronousEvents?: boolean | undefined;
    autoPong?: boolean | undefined;
    /** In milliseconds. */
    closeTimeout?: number | undefined;
    maxBufferedChunks?: number | undefined;
    maxFragments?: number | undefined;
    /** In bytes. */
    maxPayload?: number | undefined;
    maxPendingAutoPongs?: number | undefined;
    perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
    skipUTF8Validation?: boolean | undefined;
  }

  interface ClientOptions
    extends ConnectionOptions, Omit<TlsOptions, "checkServerIdentity" | "timeout"> {
    agent?: Agent | undefined;
    checkServerIdentity?(servername: string, certificate: CertMeta): boolean;
    createConnection?: typeof import("node:net").createConnection | undefined;
    family?: number | undefined;
    finishRequest?: FinishRequestCallback | undefined;
    followRedirects?: boolean | undefined;
    generateMask?(mask: Buffer): void;
    /** In milliseconds. */
    handshakeTimeout?: number | undefined;
    headers?: { [name: string]: string } | undefined;
    localAddress?: string | undefined;
    maxRedirects?: number | undefined;
    origin?: string | undefined;
    protocol?: string | undefined;
    protocols?: string | string[] | undefined;
    protocolVersion?: number | undefined;
  }

  interface PerMessageDeflateOptions {
    serverNoContextTakeover?: boolean | undefined;
    clientNoContextTakeover?: boolean | undefined;
    serverMaxWindowBits?: number | undefined;
    clientMaxWindowBits?: number | undefined;
    zlibDeflateOptions?:
      | (Omit<ZlibOptions, "dictionary"> & {
          dictionary?: Buffer | Buffer[] | DataView | undefined;
        })
      | undefined;
    zlibInflateOptions?: ZlibOptions | undefined;
    /** In bytes. */
    threshold?: number | undefined;
    concurrencyLimit?: number | undefined;
  }

  interface AddressInfo {
    address: string;
    family: string;
    port: number;
  }

  interface ServerOptions<
    Client extends typeof WebSocketAlias = typeof WebSocketAlias,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > extends ConnectionOptions {
    backlog?: number | undefined;
    clientTracking?: boolean | undefined;
    handleProtocols?: (protocols: Set<string>, request: InstanceType<Request>) => string | false;
    host?: string | undefined;
    noServer?: boolean | undefined;
    path?: string | undefined;
    port?: number | undefined;
    server?: HttpServer<Request> | HttpsServer<Request> | undefined;
    verifyClient?:
      | VerifyClientCallbackAsync<InstanceType<Request>>
      | VerifyClientCallbackSync<InstanceType<Request>>
      | undefined;
    WebSocket?: Client | undefined;
  }

  interface ServerEvents<Client, Request> {
    connection: [websocket: Client, request: Request];
    headers: [headers: string[], request: Request];
    wsClientError: [error: Error, socket: Duplex, request: Request];
    error: [error: Error];
    listening: [];
    close: [];
  }

  /** The server of the npm package `ws`; see docs/reference/ws.md for what differs. */
  class Server<
    Client extends typeof WebSocketAlias = typeof WebSocketAlias,
    Request extends typeof IncomingMessage = typeof IncomingMessage,
  > extends EventEmitter {
    options: ServerOptions<Client, Request>;
    path: string;
    clients: Set<InstanceType<Client>>;

    /** @throws TypeError unless one of `port`, `server` and `noServer` is given */
    constructor(options?: ServerOptions<Client, Request>, callback?: () => void);

    address(): AddressInfo | string | null;
    close(callback?: (error?: Error) => void): void;
    handleUpgrade(
      request: InstanceType<Request>,
      socket: Duplex,
      upgradeHead: Buffer,
      callback: (client: InstanceType<Client>, request: InstanceType<Request>) => void,
    ): void;
    shouldHandle(request: InstanceType<Request>): boolean | Promise<boolean>;

    on<Name extends keyof ServerEvents<any, any>>(
      event: Name,
      listener: (
        this: Server<Client>,
        ...given: ServerEvents<InstanceType<Client>, InstanceType<Request>>[Name]
      ) => void,
    ): this;
    on(event: string | symbol, listener: (this: Server<Client>, ...given: any[]) => void): this;
    once<Name extends keyof ServerEvents<any, any>>(
      event: Name,
      listener: (
        this: Server<Client>,
        ...given: ServerEvents<InstanceType<Client>, InstanceType<Request>>[Name]
      ) => void,
    ): this;
    once(event: string | symbol, listener: (this: Server<Client>, ...given: any[]) => void): this;
    off<Name extends keyof ServerEvents<any, any>>(
      event: Name,
      listener: (
        this: Server<Client>,
        ...given: ServerEvents<InstanceType<Client>, InstanceType<Request>>[Name]
      ) => void,
    ): this;
    off(event: string | symbol, listener: (this: Server<Client>, ...given: any[]) => void): this;
    addListener<Name extends keyof ServerEvents<any, any>>(
      event: Name,
      listener: (...given: ServerEvents<InstanceType<Client>, InstanceType<Request>>[Name]) => void,
    ): this;
    addListener(event: string | symbol, listener: (...given: any[]) => void): this;
    removeListener<Name extends keyof ServerEvents<any, any>>(
      event: Name,
      listener: (...given: ServerEvents<InstanceType<Client>, InstanceType<Request>>[Name]) => void,
    ): this;
    removeListener(event: string | symbol, listener: (...given: any[]) => void): this;
  }

  const WebSocketServer: typeof Server;
  interface WebSocketServer extends Server {}
  const WebSocket: typeof WebSocketAlias;
  interface WebSocket extends WebSocketAlias {}

  /** Returns a duplex stream of a socket's messages. */
  function createWebSocketStream(websocket: WebSocketAlias, options?: DuplexOptions): Duplex;

  /** How one frame is made. */
  interface FrameOptions {
    fin: boolean;
    opcode: number;
    rsv1?: boolean | undefined;
    mask?: boolean | undefined;
    generateMask?: ((mask: Buffer) => void) | undefined;
    readOnly?: boolean | undefined;
  }

  class Sender {
    constructor(socket: Duplex, extensions?: object, generateMask?: (mask: Buffer) => void);
    /** Returns a frame as one or two buffers to be written in order. */
    static frame(data: Buffer | string, options: FrameOptions): Buffer[];
    onerror: (error: Error) => void;
    close(code?: number, data?: string | Buffer, mask?: boolean, callback?: SendCallback): void;
    ping(data: any, mask?: boolean, callback?: SendCallback): void;
    pong(data: any, mask?: boolean, callback?: SendCallback): void;
    send(data: any, options: SendOptions, callback?: SendCallback): void;
    sendFrame(frame: readonly (Uint8Array | string)[], callback?: SendCallback): void;
  }

  class Receiver extends Writable {
    constructor(
      options?: Omit<ConnectionOptions, "perMessageDeflate"> & {
        binaryType?: "nodebuffer" | "arraybuffer" | "fragments" | "blob" | undefined;
        extensions?: object | undefined;
        isServer?: boolean | undefined;
      },
    );
  }

  class PerMessageDeflate {
    static readonly extensionName: "permessage-deflate";
    constructor(
      options?: PerMessageDeflateOptions & {
        isServer?: boolean | undefined;
        maxPayload?: number | undefined;
      },
    );
    readonly params: { [name: string]: number | true } | null;
    offer(): { [name: string]: number | true };
    accept(configurations: extension.Parameters[]): { [name: string]: number | true };
    compress(
      data: Buffer | string,
      fin: boolean,
      callback: (error: Error | null, data: Buffer) => void,
    ): void;
    decompress(
      data: Buffer,
      fin: boolean,
      callback: (error: Error | null, data: Buffer) => void,
    ): void;
    cleanup(): void;
  }

  namespace extension {
    interface Parameters {
      [name: string]: (string | true)[];
    }
    /** @throws SyntaxError */
    function parse(header: string): { [name: string]: Parameters[] };
    function format(extensions: { [name: string]: object | object[] }): string;
  }

  namespace subprotocol {
    /** @throws SyntaxError */
    function parse(header: string): Set<string>;
  }
}

export = WebSocket;
