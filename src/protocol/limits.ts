/** How much one connection may make its owner hold or do. */
export interface ConnectionLimits {
  /**
   * The longest message that is taken, in bytes of payload over all its fragments, inflated. A
   * frame that would exceed it is refused on its header, with 1009, before anything is allocated;
   * a compressed message, as soon as what it inflates to does.
   * Default 16 MiB: above what pages send, below what hurts.
   */
  maxMessageBytes: number;
  /**
   * The most frames that one message may be cut into; more is refused with 1009. Fragments are
   * joined as they come and cost no memory each, so this bounds work, not memory.
   * Default 131,072: a 4 MiB message in pieces of 64 bytes has half as many.
   */
  maxMessageFragments: number;
}

export const defaultConnectionLimits: ConnectionLimits = {
  maxMessageBytes: 16 * 1024 * 1024,
  maxMessageFragments: 131_072,
};

/** How large a handshake may be. */
export interface HandshakeLimits {
  /**
   * The start line and all header lines, in bytes; those of interim responses count as well.
   * Default 16 KiB, as Node's own.
   */
  maxHeaderBytes: number;
  /** The number of header lines, those of interim responses included. Default 200. */
  maxHeaderLines: number;
  /**
   * How many interim responses, such as 103, may precede a server's answer.
   * Default 16: more than any server has reason to send.
   */
  maxInterimResponses: number;
}

export const defaultHandshakeLimits: HandshakeLimits = {
  maxHeaderBytes: 16 * 1024,
  maxHeaderLines: 200,
  maxInterimResponses: 16,
};
