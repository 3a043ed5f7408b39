import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { eventOf } from "../../src/topics/index.ts";
import { HttpReader } from "./http-reader.ts";
import { KeyedRecord } from "./keyed-record.ts";
import { ViewWitness } from "./view-witness.ts";

const epoch = "epoch";

test("a reader by GET has the older state when the next node is behind", async () => {
  const record = new KeyedRecord();
  record.open({ epoch, offset: 0 }, []);
  for (const n of [1, 2]) record.add(eventOf({ key: "a", data: n }, n, 0));
  let requests = 0;
  const server = createServer((_, response) => {
    requests += 1;
    const offset = requests === 1 ? 2 : 1;
    const entries = [{ key: "a", offset, data: offset }];
    response.end(JSON.stringify({ epoch, offset, complete: true, entries }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const witness = new ViewWitness();
  const reader = new HttpReader({ url, token: "reader", form: "get" }, witness);

  await expect.poll(() => requests).toBeGreaterThan(2);
  reader.close();
  server.close();

  const { compared, wrong } = witness.check(record);
  expect(compared).toBeGreaterThanOrEqual(2);
  expect(wrong).toBe(0);
});
