import type { Authority, Params, StandardSchema, TopicDeclaration } from "../topics/index.ts";

/** What a server offers, as one declaration that its clients take their types from. */
export interface LiveApi {
  readonly topics: readonly TopicDeclaration[];
  readonly methods?: Methods;
}

export type Methods = Readonly<Record<string, MethodDeclaration>>;

/** Who asks, as the handler of a call sees it. */
export interface CallContext<Who = unknown> {
  /** What `authenticate` returned; `undefined` if the server has none. */
  readonly identity: Who;
  /** The connection's name, as its `welcome` had it. */
  readonly connection: string;
}

/** Something that clients can ask the server to do, for one answer. */
export interface MethodDeclaration<
  Input = unknown,
  Result = unknown,
  Who = unknown,
> extends Authority<Who> {
  /** Checks what comes with a call. Default: anything. */
  params?: StandardSchema<unknown, Input>;
  /**
   * Does it. What it returns is the answer, as JSON has it; a `LiveError` that it throws reaches
   * the client, anything else is reported and refused with `internal`.
   */
  handle(params: Input, context: CallContext<Who>): Result | Promise<Result>;
}

/** Declares a method; `params` of its schema type the handler's. */
export function method<Input = unknown, Result = unknown, Who = unknown>(
  declaration: MethodDeclaration<Input, Result, Who>,
): MethodDeclaration<Input, Result> {
  return declaration;
}

/** The names that a declared name stands for: `devices/${string}` for `devices/:site`. */
export type NamesOf<Pattern extends string> = Pattern extends `${infer Head}/${infer Rest}`
  ? `${PartOf<Head>}/${NamesOf<Rest>}`
  : PartOf<Pattern>;

type PartOf<Part extends string> = Part extends `:${string}` ? string : Part;

/** The declarations of an API, as a union. */
export type TopicsOf<Api extends LiveApi> = Api["topics"][number];

/** All names that an API's topics can have; of one that is not known any. */
export type TopicName<Api extends LiveApi> =
  IsAny<Api> extends true ? string : NamesOf<TopicsOf<Api>["name"]>;

type IsAny<Type> = 0 extends 1 & Type ? true : false;

/** The declaration that a topic's name belongs to. */
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

export type InputOf<Method> =
  Method extends MethodDeclaration<infer Input, infer _> ? Input : never;

export type ResultOf<Method> =
  Method extends MethodDeclaration<infer _, infer Result> ? Result : never;
