import type { Authority, Params, StandardSchema, TopicDeclaration } from "../topics/index.ts";

/** A server's API in one declaration, from which clients derive their types. */
export interface LiveApi {
  readonly topics: readonly TopicDeclaration[];
  readonly methods?: Methods;
  /** The methods that clients can offer, and that the server then can call. */
  readonly clientMethods?: ClientMethods;
}

export type Methods = Readonly<Record<string, MethodDeclaration>>;

/** The caller's context in the handler of a call. */
export interface CallContext<Who = unknown> {
  /** The identity that `authenticate` returned; `undefined` if the server has none. */
  readonly identity: Who;
  /** The connection's name, as in its `welcome`. */
  readonly connection: string;
  /**
   * Aborted when nobody waits for the result any more: after the time limit of the call and of its
   * repeats, or, if it has no idempotency key, when its connection ends. Its reason is a
   * `LiveError`.
   */
  readonly signal: AbortSignal;
}

/** A method that clients can call. */
export interface MethodDeclaration<
  Input = unknown,
  Result = unknown,
  Who = unknown,
> extends Authority<Who> {
  /** Validates the params of a call. Default: accepts anything. */
  params?: StandardSchema<unknown, Input>;
  /**
   * How long a call may take, in milliseconds; after that, the client receives `internal`. Default:
   * the server's `callTimeoutMs`.
   */
  timeoutMs?: number;
  /**
   * Handles a call. The return value is the result, serialized as JSON. A `LiveError` that it
   * throws reaches the client; any other error is reported, and the client receives `internal`.
   */
  handle(params: Input, context: CallContext<Who>): Result | Promise<Result>;
}

export type ClientMethods = Readonly<Record<string, ClientMethodDeclaration>>;

/** A method that clients can offer. Its `authorize` decides who may (action `offer`). */
export interface ClientMethodDeclaration<
  Input = unknown,
  Result = unknown,
  Who = unknown,
> extends Authority<Who> {
  /** Validates the params before they are sent. Default: accepts anything. */
  params?: StandardSchema<unknown, Input>;
  /** Validates the client's answer. Default: accepts anything. */
  result?: StandardSchema<unknown, Result>;
  /** How long a client may take, in milliseconds. Default: the server's `callTimeoutMs`. */
  timeoutMs?: number;
  /**
   * Whether a command may be carried out again if it is not known whether it was. Default false: it is
   * reported as `unconfirmed`.
   */
  isIdempotent?: boolean;
}

/** Declares a method that clients can offer, typed by its schemas or by the type arguments. */
export function clientMethod<Input = unknown, Result = unknown, Who = unknown>(
  declaration: ClientMethodDeclaration<Input, Result, Who> = {},
): ClientMethodDeclaration<Input, Result> {
  return declaration;
}

/** Declares a method. Its handler's `params` are typed by the `params` schema. */
export function method<Input = unknown, Result = unknown, Who = unknown>(
  declaration: MethodDeclaration<Input, Result, Who>,
): MethodDeclaration<Input, Result> {
  return declaration;
}

/** The names that match a declared name: `devices/${string}` for `devices/:site`. */
export type NamesOf<Pattern extends string> = Pattern extends `${infer Head}/${infer Rest}`
  ? `${PartOf<Head>}/${NamesOf<Rest>}`
  : PartOf<Pattern>;

type PartOf<Part extends string> = Part extends `:${string}` ? string : Part;

/** The declarations of an API, as a union. */
export type TopicsOf<Api extends LiveApi> = Api["topics"][number];

/** The possible topic names of an API; any string if the API is unknown. */
export type TopicName<Api extends LiveApi> =
  IsAny<Api> extends true ? string : NamesOf<TopicsOf<Api>["name"]>;

type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** The declaration that a topic name belongs to. */
export type TopicNamed<Api extends LiveApi, Name extends string> = Named<TopicsOf<Api>, Name>;

type Named<Declaration, Name extends string> = Declaration extends {
  name: infer Pattern extends string;
}
  ? Name extends NamesOf<Pattern>
    ? Declaration
    : never
  : never;

export type DataOf<Declaration> =
  Declaration extends TopicDeclaration<string, infer Data, infer _> ? Data : never;

export type ParamsOf<Declaration> =
  Declaration extends TopicDeclaration<string, infer _, infer Narrowing> ? Narrowing : Params;

/** The methods of an API. */
export type MethodsOf<Api extends LiveApi> = NonNullable<Api["methods"]>;

/** The client methods of an API. */
export type ClientMethodsOf<Api extends LiveApi> = Api extends {
  readonly clientMethods: infer Offered extends ClientMethods;
}
  ? Offered
  : ClientMethods;

/** The API that `LiveServer.open` was given. */
export type OpenedApi<
  Topics extends LiveApi["topics"],
  Named extends Methods,
  Offered extends ClientMethods,
> = { topics: Topics; methods: Named } & (ClientMethods extends Offered
  ? unknown
  : { clientMethods: Offered });

export type QuestionOf<Method> =
  Method extends ClientMethodDeclaration<infer Input, infer _> ? Input : never;

export type AnswerOf<Method> =
  Method extends ClientMethodDeclaration<infer _, infer Result> ? Result : never;

export type InputOf<Method> =
  Method extends MethodDeclaration<infer Input, infer _> ? Input : never;

export type ResultOf<Method> =
  Method extends MethodDeclaration<infer _, infer Result> ? Result : never;
