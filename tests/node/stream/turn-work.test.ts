import { expect, test } from "vitest";
import { Ledger, type Payer } from "../../../src/base/index.ts";
import { isTurnSpent, waitForTurn } from "../../../src/node/stream/turn-work.ts";
import { Opcode } from "../../../src/protocol/index.ts";
import { maskedFrame } from "../../rigs/protocol/masked-frame.ts";
import { RawClient } from "../../rigs/sockets/raw-client.ts";
import { runServer } from "../../rigs/sockets/run-server.ts";

const PER_TURN = 8_192;

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function spend(): void {
  while (!isTurnSpent(0));
}

test("a turn allows 8,192 messages, and the next one as many again", async () => {
  await turn();
  let taken = 0;
  while (!isTurnSpent(0)) taken += 1;
  expect(taken).toBeLessThanOrEqual(PER_TURN);
  expect(taken).toBeGreaterThan(PER_TURN - 256);
  await turn();
  expect(isTurnSpent(0)).toBe(false);
});

test("4 KiB of payload count as one message", async () => {
  await turn();
  expect(isTurnSpent(PER_TURN * 4_096)).toBe(true);
  await turn();
});

test("waiting connections continue one at a time per payer, so many connections bring no advantage", async () => {
  const ledger = new Ledger();
  const order: string[] = [];
  const wait = (name: string, payer: Payer): void =>
    waitForTurn({ onNextTurn: () => void order.push(name) }, payer);
  spend();
  for (const name of ["a1", "a2", "a3"]) wait(name, ledger.payer("ann"));
  wait("b1", ledger.payer("bob"));
  await turn();
  expect(order).toHaveLength(4);
});

test("connections that remain when a turn is spent wait for another one", async () => {
  const ledger = new Ledger();
  const [ann, bob] = [ledger.payer("ann"), ledger.payer("bob")];
  const order: string[] = [];
  const greedy = (name: string): { onNextTurn(): void } => ({
    onNextTurn: () => {
      order.push(name);
      spend();
    },
  });
  spend();
  for (const name of ["a1", "a2"]) waitForTurn(greedy(name), ann);
  waitForTurn(greedy("b1"), bob);
  await turn();
  expect(order).toEqual(["a1"]);
  await turn();
  expect(order).toEqual(["a1", "b1"]);
  await turn();
  expect(order).toEqual(["a1", "b1", "a2"]);
  await turn();
});

test("a client that sends 40,000 pings together does not delay others: it gets all pongs, over several turns", async () => {
  const seen: string[] = [];
  const { port } = await runServer({
    onPing: () => void (seen.at(-1) === "ping" || seen.push("ping")),
    onMessage: (peer, message) => {
      seen.push(message as string);
      peer.send(message);
    },
  });
  const [busy, other] = [await RawClient.upgrade(port), await RawClient.upgrade(port)];
  const ping = maskedFrame({ opcode: Opcode.Ping });
  busy.write(Buffer.concat(Array.from({ length: 40_000 }, () => ping)));
  other.write(maskedFrame({ opcode: Opcode.Text, payload: Buffer.from("hello") }));
  await busy.framesWhen(40_000);
  await other.framesWhen(1);
  expect(seen.at(-1)).toBe("ping");
  expect(seen).toContain("hello");
});
