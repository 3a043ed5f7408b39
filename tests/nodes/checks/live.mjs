import assert from "node:assert/strict";
import { MemoryBroker } from "../../../dist/brokers/memory/index.js";
import { openWebSocket } from "../../../dist/client/index.js";
import { connect } from "../../../dist/live/client/index.js";
import { keyedTopic, LiveServer } from "../../../dist/live/index.js";
import { Arrivals } from "../arrivals.mjs";
import { position } from "../stage.mjs";

/** As a class is called, with `new`. */
function PositionedWebSocket(url, protocols) {
  return openWebSocket(url, { protocols, ...position });
}

export const live = {
  "the live client follows a keyed topic": async (stage) => {
    const topics = [keyedTopic("prices")];
    const server = await LiveServer.open({ broker: new MemoryBroker(), topics });
    stage.after(() => server.close());
    const { url } = await stage.serve(server.endpoint("/live"));
    const prices = server.topic("prices");
    await prices.set("A", { price: 1 });
    const client = connect(`${url}/live`, { webSocket: PositionedWebSocket });
    stage.after(() => client.close());
    const items = new Arrivals();
    client.topic("prices").subscribe((item) => items.push(item));
    const { type, key, data } = await items.next();
    assert.deepEqual([type, key, data], ["set", "A", { price: 1 }]);
    const numbers = Array.from({ length: 200 }, (_, index) => index);
    for (const price of numbers) await prices.set(`K${price}`, { price });
    const following = await items.take(numbers.length);
    assert.deepEqual(
      following.map(({ data }) => data.price),
      numbers,
    );
    await prices.remove("A");
    const last = await items.next();
    assert.deepEqual([last.type, last.key], ["removed", "A"]);
  },
};
