import assert from "node:assert/strict";
import { MemoryBroker } from "../../../dist/brokers/memory/index.js";
import { openWebSocket } from "../../../dist/client/index.js";
import { connect } from "../../../dist/live/client/index.js";
import { keyedTopic, LiveServer } from "../../../dist/live/index.js";
import { Arrivals, turns } from "../arrivals.mjs";
import { position } from "../stage.mjs";

/** As a class is called, with `new`. */
function PositionedWebSocket(url, protocols) {
  return openWebSocket(url, { protocols, ...position });
}

export const live = {
  "the live client follows a keyed topic, also across a cut": async (stage) => {
    const topics = [keyedTopic("prices")];
    const server = await LiveServer.open({ broker: new MemoryBroker(), topics });
    stage.after(() => server.close());
    const { url, server: webSockets } = await stage.serve(server.endpoint("/live"));
    const prices = server.topic("prices");
    await prices.set("A", { price: 1 });
    const options = { webSocket: PositionedWebSocket, backoff: { firstMs: 1 } };
    const client = connect(`${url}/live`, options);
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
    // It goes on where it was: nothing comes twice.
    for (const peer of webSockets.peers) peer.terminate();
    await prices.set("K1", { price: "meanwhile" });
    assert.deepEqual((await items.next()).data, { price: "meanwhile" });
    await turns();
    assert.equal(items.size, 0);
  },
};
