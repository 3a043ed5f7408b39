/** The limits for the memory and work that one connection may cause. */
export interface ConnectionLimits {
  /**
   * The maximum size of a message: the inflated payload of all its fragments, in bytes. A frame
   * that would exceed it is rejected with 1009 when its header arrives, before anything is
   * allocated. A compressed message is rejected as soon as its inflated part exceeds it. Default 16
   * MiB: more than pages send, and not enough to do harm.
   */
  maxMessageBytes: number;
  /**
   * The maximum number of frames per message. More are rejected with 1009. Fragments are joined as
   * they arrive and cost no memory each, so this bounds work, not memory. Default 131,072: a 4 MiB
   * message in pieces of 64 bytes has half as many.
   */
  maxMessageFragments: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxMessageFragments: 131_072,
};

/** The limits for the size of a handshake. */
export interface HandshakeLimits {
  /**
   * The maximum size of the start line and all headers, including those of interim responses, in
   * bytes. Default 16 KiB, like Node's own.
   */
  maxHeaderBytes: number;
  /** The maximum number of headers, including those of interim responses. Default 200. */
  maxHeaderLines: number;
  /**
   * The maximum number of interim responses, such as 103, before the final response. Default 16:
   * more than any server has reason to send.
   */
  maxInterimResponses: number;
}

export const defaultHandshakeLimits: HandshakeLimits = {
  maxHeaderBytes: 16 * 1024,
  maxHeaderLines: 200,
  maxInterimResponses: 16,
};
