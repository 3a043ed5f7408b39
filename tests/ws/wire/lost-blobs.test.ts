import { expect, test } from "vitest";
import { expected, type WebSocket } from "../../rigs/ws/implementation.ts";
import { nextUncaught, openPair, streamOf, turns } from "../../rigs/ws/rig.ts";

/** A Blob that is read when the test says so. */
class HeldBlob extends Blob {
  release: () => void = () => {};
  fail: (error: Error) => void = () => {};

  override arrayBuffer(): Promise<ArrayBuffer> {
    return new Promise((resolve, reject) => {
      this.release = () => resolve(new ArrayBuffer(this.size));
      this.fail = reject;
    });
  }
}

const CLOSED_WHILE_READING = "The socket was closed while the blob was being read";

/** The events of a Blob, of a message behind it, and of the connection, in order. */
class History {
  readonly names: string[] = [];
  readonly errors: (string | undefined)[] = [];
  readonly #closed: Promise<void>;

  constructor(peer: WebSocket, blob: Blob) {
    this.#closed = new Promise((resolve) => {
      peer.on("close", () => {
        this.names.push("close");
        resolve();
      });
    });
    peer.on("error", () => this.names.push("error"));
    peer.send(blob, this.#callback("blob"));
    peer.send("behind", this.#callback("behind"));
  }

  /** Resolves after the connection has closed, and everything that follows at once has happened. */
  async closed(): Promise<void> {
    await this.#closed;
    await turns(5);
  }

  #callback(name: string): (error?: Error | null) => void {
    return (error) => {
      this.names.push(name);
      this.errors.push(error?.message);
    };
  }
}

const endings: [string, (client: WebSocket, peer: WebSocket) => void][] = [
  ["the peer closes", (client) => client.close()],
  ["the peer terminates", (client) => client.terminate()],
  ["the peer's stream is destroyed", (client) => streamOf(client).destroy()],
  ["terminate() is called", (_, peer) => peer.terminate()],
  [
    "close() and terminate() are called",
    (_, peer) => {
      peer.close();
      peer.terminate();
    },
  ],
  // The Close frame waits for the Blob, and so does the answer to it.
  ["close() is called, after closeTimeout", (_, peer) => peer.close()],
];

test.each(endings)(
  "callbacks of a Blob that is being read get one error before close if %s",
  async (_, end) => {
    const { client, peer } = await openPair({ closeTimeout: 50 }, { closeTimeout: 50 });
    const blob = new HeldBlob(["some bytes"]);
    const history = new History(peer, blob);
    end(client, peer);
    await history.closed();
    blob.release();
    await turns(5);
    expect(history.names).toEqual(expected("lostBlob"));
    expect(history.errors).toEqual([CLOSED_WHILE_READING, CLOSED_WHILE_READING]);
  },
);

test("callbacks get one error if the Blob cannot be read after the end", async () => {
  const { peer } = await openPair();
  const blob = new HeldBlob(["some bytes"]);
  const history = new History(peer, blob);
  peer.terminate();
  await history.closed();
  blob.fail(new Error("The file is gone"));
  await turns(5);
  expect(history.names).toEqual(expected("lostBlob"));
});

test("a callback that throws does not keep back the other ones, or close", async () => {
  const { peer } = await openPair();
  const thrown = nextUncaught();
  const names: string[] = [];
  const closed = new Promise<void>((resolve) => peer.on("close", () => resolve()));
  const blob = new HeldBlob(["some bytes"]);
  peer.send(blob, () => {
    throw new Error("thrown by a callback");
  });
  peer.send("behind", () => names.push("behind"));
  peer.terminate();
  await closed;
  blob.release();
  expect((await thrown).message).toBe("thrown by a callback");
  await turns(5);
  expect(names).toEqual(expected("behindThrowingCallback"));
});
