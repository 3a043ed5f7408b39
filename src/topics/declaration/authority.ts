import type { Params } from "./params.ts";

/**
 * The action that a client requests permission for. A client that may subscribe to a topic may read
 * its presence.
 */
export type LiveAction = "subscribe" | "publish" | "call" | "offer";

/** An event that a client asks to publish. */
export interface PublishDraft<Data = unknown> {
  /** A keyed topic's key; `undefined` for a log topic. */
  readonly key: string | undefined;
  /**
   * The data as the client sent it, before the topic's schema has seen it. It is parsed when it is
   * read. `undefined` if `remove`.
   */
  readonly data: Data;
  /** Whether the key is removed. */
  readonly remove: boolean;
}

/** A request that a client needs permission for. */
export interface AccessRequest<Who = unknown> {
  /** The identity that `authenticate` returned; `undefined` if the server has none. */
  readonly identity: Who;
  readonly action: LiveAction;
  /** The topic's name; for a call and an offer, the method's. */
  readonly topic: string;
  /**
   * The parameters in a pattern topic's name (`site` of `devices/:site`), for a subscription
   * together with its params; for a call, the call's params.
   */
  readonly params: Params;
  /** The event of a publish; `undefined` for other actions. */
  readonly draft: PublishDraft | undefined;
}

/** Decides what clients may do. */
export interface Authority<Who = unknown> {
  /**
   * Returns whether a client may do what it requests. If it throws, the error is reported and the
   * request is refused with `internal`.
   */
  // A method, so that a declaration can narrow the type of its identities.
  // oxlint-disable-next-line typescript/method-signature-style
  authorize?(request: AccessRequest<Who>): boolean | Promise<boolean>;
}
