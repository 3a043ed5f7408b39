import type { Guard, Unguarded } from "./guard.ts";
import { liveMessageLimit, payersShare } from "./shared.ts";

const limitBeforeCredentials: Guard = {
  what: "16 KiB for a message before credentials are accepted; 16 MiB instead",
  file: "dist/live/server/limits.js",
  from: "const MAX_UNKNOWN_MESSAGE_BYTES = 16 * 1024;",
  to: "const MAX_UNKNOWN_MESSAGE_BYTES = 16 * 1024 * 1024;",
};

/** Node's own timers, which this package sets. */
const handshakeDeadlines: readonly Guard[] = [
  {
    what: "a deadline for a request's header (handshakeTimeoutMs)",
    file: "dist/server/http/own-http-server.js",
    from: "headersTimeout: limits.handshakeTimeoutMs,",
    to: "headersTimeout: 0,",
  },
  {
    what: "a deadline for a whole request (handshakeTimeoutMs)",
    file: "dist/server/http/own-http-server.js",
    from: "requestTimeout: limits.handshakeTimeoutMs,",
    to: "requestTimeout: 0,",
  },
];

/** Messages, bodies and handshakes that do not end, and many small frames. */
export const input: readonly Unguarded[] = [
  { row: "unfinished-messages", expects: "memory", guards: [liveMessageLimit, payersShare] },
  { row: "unfinished-messages-1-mib", expects: "finding", guards: [payersShare] },
  {
    row: "unfinished-messages-fragments",
    expects: "memory",
    guards: [liveMessageLimit, payersShare],
  },
  {
    row: "unfinished-messages-compressed",
    expects: "memory",
    guards: [
      {
        what: "a compressed message is inflated once it is whole, and not as it comes",
        file: "dist/protocol/messages/message-reader.js",
        from: "        if (!isLast)\n            return true;",
        to: `        if (!isLast) {
            const zlib = process.getBuiltinModule("node:zlib");
            const finishFlush = zlib.constants.Z_SYNC_FLUSH;
            this.inflatedAsItCame = zlib.inflateRawSync(buffer.peek(), { finishFlush });
            return true;
        }`,
      },
    ],
  },
  { row: "unfinished-bodies-http1", expects: "finding", guards: [payersShare] },
  { row: "unfinished-bodies-chunked", expects: "finding", guards: [payersShare] },
  { row: "unfinished-bodies-http2", expects: "memory", guards: [payersShare] },
  {
    row: "before-credentials-messages",
    expects: "memory",
    guards: [limitBeforeCredentials, liveMessageLimit, payersShare],
  },
  { row: "before-credentials-hello", expects: "finding", guards: [limitBeforeCredentials] },
  {
    row: "before-credentials-wrong-tokens",
    expects: "finding",
    guards: [
      {
        what: "credentials of an address that failed too often are not looked at (failedLoginBurst)",
        file: "dist/live/server/access/login-guard.js",
        from: "if (isSuspect ? bucket.take(now) : bucket.has(now))",
        to: "if (true)",
      },
    ],
  },
  {
    row: "pings-in-a-segment",
    expects: "late",
    guards: [
      {
        what: "a turn of the event loop takes 8,192 messages, pings and fragments",
        file: "dist/node/stream/turn-work.js",
        from: "const WORK_PER_TURN = 8_192;",
        to: "const WORK_PER_TURN = Infinity;",
      },
    ],
  },
  {
    row: "tiny-fragments",
    expects: "memory",
    guards: [
      {
        what: "fragments are joined as they come, and cost no object each",
        file: "dist/protocol/messages/message-buffer.js",
        from: "        this.#length = needed;\n        return true;",
        to: `        this.#length = needed;
        (this.pieces ??= []).push(new Uint8Array(source.subarray(start, end)));
        return true;`,
      },
    ],
  },
  {
    row: "churn-connections",
    expects: "finding",
    guards: [
      {
        what: "a connection that has ended is not one of its payer's any more",
        file: "dist/server/peer/server-peer.js",
        from: "this.account.close();",
        to: "",
      },
    ],
  },
  {
    row: "churn-http2-resets",
    expects: "finding",
    guards: [
      {
        what: "what a request held is given back when its connection or stream ends",
        file: "dist/server/http/server-exchange.js",
        from: 'response.on("close", () => this.account.close());',
        to: "",
      },
    ],
  },
  { row: "churn-half-handshakes", expects: "finding", guards: handshakeDeadlines },
  {
    row: "host-header",
    expects: "finding",
    guards: [
      {
        what: "a request has to name this server as its host (hosts)",
        file: "dist/server/accept/host-policy.js",
        from: 'if (policy === "any" || host === undefined)',
        to: "if (true)",
      },
    ],
  },
];
