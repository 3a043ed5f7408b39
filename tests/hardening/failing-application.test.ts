import { describe, expect, onTestFinished, test, vi } from "vitest";
import { Opcode } from "../../src/protocol/index.ts";
import type { Endpoint, LongwireError } from "../../src/server/index.ts";
import { maskedFrame, utf8 } from "../rigs/protocol/masked-frame.ts";
import { handshake } from "../rigs/sockets/raw-client.ts";
import { openSession, RawStream } from "../rigs/sockets/http2-session.ts";
import { runServer, Witness } from "../rigs/sockets/run-server.ts";
import { afterReports, strayErrors } from "../rigs/measuring/stray-errors.ts";
import {
  openSocket,
  readToEnd,
  runOver,
  WirePeer,
  type Transport,
} from "../rigs/sockets/wire-peer.ts";

/** Values that an application may throw, including some that cannot be converted to text. */
const thrown: [string, () => unknown][] = [
  ["an error", () => new Error("bug")],
  ["undefined", () => undefined],
  ["a symbol", () => Symbol("bug")],
  ["an object without a prototype", () => Object.create(null) as unknown],
  [
    "an object whose conversion to text throws",
    () => ({
      toString() {
        throw new Error("worse");
      },
    }),
  ],
  [
    "an error whose message throws",
    () =>
      Object.defineProperty(new Error("x"), "message", {
        get() {
          throw new Error("worse");
        },
      }),
  ],
];

const peerMethods = ["onOpen", "onMessage", "onPing", "onPong", "onClose"] as const;

/** The ways in which a method fails. */
const ways: [string, (make: () => unknown) => () => unknown][] = [
  [
    "throws",
    (make) => () => {
      // oxlint-disable-next-line no-throw-literal, only-throw-error -- anything may be thrown
      throw make();
    },
  ],
  [
    "rejects with",
    (make) => async () => {
      await Promise.resolve();
      // oxlint-disable-next-line no-throw-literal, only-throw-error -- and rejected with
      throw make();
    },
  ],
];

/** Makes every method of an endpoint be called. */
async function exerciseAll(peer: WirePeer): Promise<void> {
  peer.write(maskedFrame({ opcode: Opcode.Ping }));
  peer.write(maskedFrame({ opcode: Opcode.Pong }));
  peer.write(maskedFrame({ opcode: Opcode.Text, payload: utf8("x") }));
  peer.write(maskedFrame({ opcode: Opcode.Close }));
  peer.stream.end();
  await peer.closed();
}

describe.each(ways)("a method that %s", (_, way) => {
  test.each(thrown)(
    "%s is reported to onError, and the process and the server survive",
    async (_, one) => {
      const errors = strayErrors();
      const witness = new Witness();
      const running = await runServer(witness);
      for (const method of peerMethods) {
        const told = witness.errors.length;
        Object.assign(witness, { [method]: way(one) });
        await exerciseAll(await WirePeer.open("TCP", running));
        await witness.until(() => witness.errors.length > told);
        delete (witness as Partial<Witness>)[method as "onOpen"];
      }
      const codes = witness.errors.map((error) => (error as LongwireError).code);
      expect(new Set(codes)).toEqual(new Set(["application_failed"]));
      const good = await WirePeer.open("TCP", running);
      expect(good.isClosed).toBe(false);
      await afterReports();
      expect(errors).toEqual([]);
    },
  );

  test.each(thrown)(
    "%s in an error handler is logged, and nothing else happens",
    async (_, one) => {
      const errors = strayErrors();
      const log = vi.spyOn(console, "error").mockImplementation(() => {});
      onTestFinished(() => log.mockRestore());
      const fails = way(one);
      const running = await runServer({ onMessage: fails, onError: fails });
      const peer = await WirePeer.open("TCP", running);
      peer.write(maskedFrame({ opcode: Opcode.Text, payload: utf8("x") }));
      await peer.framesWhen(1);
      expect(peer.closeCode).toBe(1011);
      await afterReports();
      expect(log).toHaveBeenCalledTimes(1);
      expect(errors).toEqual([]);
    },
  );
});

describe.each<Transport>(["TCP", "HTTP/2"])(
  "a function for handshakes that throws, over %s",
  (via) => {
    const bug = (): never => {
      throw Object.create(null);
    };

    async function statusOf(endpoint: Endpoint): Promise<unknown> {
      const { port, httpUrl } = await runOver(via, endpoint);
      if (via === "HTTP/2") {
        const headers = { origin: "https://a.test", "sec-websocket-protocol": "a" };
        return new RawStream(await openSession(httpUrl), headers).status();
      }
      const socket = await openSocket(port);
      socket.write(handshake("/", { Origin: "https://a.test", "Sec-WebSocket-Protocol": "a" }));
      return Number(/^HTTP\/1\.1 (\d+) /.exec(await readToEnd(socket))?.[1]);
    }

    test.each<[string, Endpoint]>([
      ["authorize", { origins: "any", authorize: bug }],
      [
        "authorize, later",
        { origins: "any", authorize: () => Promise.reject(Object.create(null)) },
      ],
      ["origins", { origins: bug }],
      ["protocols", { origins: "any", protocols: bug }],
    ])("%s: answered with 500, without further effect", async (_, endpoint) => {
      const errors = strayErrors();
      const witness = new Witness();
      expect(await statusOf(Object.assign(witness, endpoint))).toBe(500);
      expect(witness.errors).toHaveLength(1);
      await afterReports();
      expect(errors).toEqual([]);
    });
  },
);

test.each<[string, Endpoint]>([
  ["onRequest", { origins: "any", onRequest: () => Promise.reject(Object.create(null)) }],
  [
    "origins",
    {
      origins: () => {
        throw new Error("bug");
      },
    },
  ],
])(
  "%s that throws for a plain request: answered with 500, without further effect",
  async (_, endpoint) => {
    const errors = strayErrors();
    const { httpUrl } = await runServer({ ...endpoint, onError: () => {} });
    const response = await fetch(httpUrl, { headers: { Origin: "https://a.test" } });
    expect(response.status).toBe(500);
    await afterReports();
    expect(errors).toEqual([]);
  },
);

test.each([
  ["throws", (): never => raise()],
  ["rejects", () => Promise.reject(new Error("bug"))],
])(
  "an onDraining that %s does not keep the server from draining, and is reported",
  async (_, fail) => {
    const errors = strayErrors();
    const reported: string[] = [];
    const draining = vi.fn<() => void>();
    const bad: Endpoint = {
      path: "/bad",
      onDraining: fail,
      onError: ({ code }) => reported.push(code),
    };
    const running = await runServer([bad, { onDraining: draining }]);
    const peer = await WirePeer.open("TCP", running);
    const closing = running.server.close();
    await peer.framesWhen(1);
    expect(peer.closeCode).toBe(1001);
    expect(draining).toHaveBeenCalledTimes(1);
    peer.write(maskedFrame({ opcode: Opcode.Close }));
    await closing;
    await afterReports();
    expect([reported, errors]).toEqual([["application_failed"], []]);
  },
);

function raise(): never {
  throw new Error("bug");
}
