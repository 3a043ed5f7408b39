import assert from "node:assert/strict";
import { get } from "node:http";
import { HandshakeRefusal } from "../../../dist/server/index.js";
import { Arrivals, turns } from "../arrivals.mjs";
import { frame, handshake } from "../raw-client.mjs";
import { echo } from "../stage.mjs";

const LEAVES = ["end", "destroy", "resetAndDestroy"];

/** The status of the answer, after which the server ends the connection. */
async function refusalOf(stage, port, bytes) {
  const client = stage.raw(port);
  await client.write(bytes);
  const head = await client.received.next();
  await client.closed.next();
  return Number(/^HTTP\/1\.1 (\d+)/.exec(head)[1]);
}

/** A server whose `authorize` waits until it is told. */
async function serveUndecided(stage) {
  const deciders = new Arrivals();
  const authorize = () => new Promise((resolve) => deciders.push(resolve));
  return { ...(await stage.serve({ ...echo, authorize })), deciders };
}

export const handshakes = {
  "plain HTTP on the same port is answered, also many times on one connection": async (stage) => {
    const { port } = await stage.serve(echo);
    const status = await new Promise((resolve, reject) => {
      const request = get({ port, host: "127.0.0.1", agent: false });
      request.on("response", (response) => resolve(response.resume().statusCode));
      request.on("error", reject);
    });
    assert.equal(status, 426);
    const client = stage.raw(port);
    const answers = new Arrivals();
    let text = "";
    client.socket.on("data", (chunk) => {
      text += chunk;
      if (text.split("HTTP/1.1 426 ").length === 5) answers.push(text);
    });
    const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    await client.write(request, request.slice(0, 5), request.slice(5), request + request);
    await answers.next();
  },

  "what is no HTTP is answered with 400": async (stage) => {
    const { port } = await stage.serve(echo);
    assert.equal(await refusalOf(stage, port, "no HTTP at all\r\n\r\n"), 400);
  },

  "a wrong path is 404, a refusing authorize its status, a long head 431": async (stage) => {
    const authorize = () => new HandshakeRefusal(401);
    const { port } = await stage.serve({ path: "/here", authorize }, { maxHeaderBytes: 2048 });
    assert.equal(await refusalOf(stage, port, handshake("/elsewhere")), 404);
    assert.equal(await refusalOf(stage, port, handshake("/here")), 401);
    const long = handshake("/here", `X: ${"a".repeat(3000)}\r\n`);
    assert.equal(await refusalOf(stage, port, long), 431);
  },

  "a client that says nothing is told 408": async (stage) => {
    const { port } = await stage.serve(echo, { handshakeTimeoutMs: 100 });
    assert.equal(await refusalOf(stage, port, ""), 408);
  },

  "a decision that takes too long is 503": async (stage) => {
    const authorize = () => new Promise(() => {});
    const { port } = await stage.serve({ authorize }, { handshakeTimeoutMs: 100 });
    assert.equal(await refusalOf(stage, port, handshake()), 503);
  },

  "frames that came while authorize decided are delivered then": async (stage) => {
    const { port, deciders } = await serveUndecided(stage);
    // A head in two pieces goes through the HTTP parser in every position.
    for (const head of [[handshake()], [handshake().subarray(0, 9), handshake().subarray(9)]]) {
      const client = stage.raw(port);
      await client.write(...head, frame(1, "one"), frame(1, "two"));
      const decide = await deciders.next();
      await client.write(frame(1, "three").subarray(0, 3));
      decide({});
      await client.write(frame(1, "three").subarray(3));
      assert.match(await client.received.next(), /^HTTP\/1\.1 101 /);
      const texts = [await client.text(), await client.text(), await client.text()];
      assert.deepEqual(texts, ["one", "two", "three"]);
    }
  },

  "a client that leaves while authorize decides leaves nothing behind": async (stage) => {
    const { server, port, deciders } = await serveUndecided(stage);
    for (const leave of LEAVES) {
      const client = stage.raw(port);
      await client.write(handshake());
      const decide = await deciders.next();
      client.socket[leave]();
      await turns();
      decide({});
      await turns(10);
    }
    await server.close({ timeoutMs: 1000 });
    assert.equal(server.peers.size, 0);
  },

  "a client that leaves before it has said all leaves nothing behind": async (stage) => {
    const { server, port } = await stage.serve(echo);
    for (const begin of ["", "GE"]) {
      for (const leave of LEAVES) {
        const client = stage.raw(port);
        await client.write(begin);
        client.socket[leave]();
        await client.closed.next();
        await turns();
      }
    }
    // It waits for all connections.
    await server.close({ timeoutMs: 1000 });
  },

  "the request has the headers as Node joins them, and the addresses": async (stage) => {
    const requests = new Arrivals();
    const onOpen = (peer, request) => requests.push({ peer, request, incoming: request.incoming });
    const { port } = await stage.serve({ onOpen });
    const client = stage.raw(port);
    const lines = [
      "X-A: 1",
      "x-a: 2",
      "Cookie: a=1",
      "Cookie: b=2",
      "User-Agent: x",
      "user-agent: y",
    ];
    await client.write(handshake("/a?b=c", lines.map((line) => `${line}\r\n`).join("")));
    const { peer, request, incoming } = await requests.next();
    const { headers, socket, url } = incoming;
    assert.equal(headers["x-a"], "1, 2");
    assert.equal(headers.cookie, "a=1; b=2");
    assert.equal(headers["user-agent"], "x");
    assert.equal(headers.host, "localhost");
    assert.equal(url, "/a?b=c");
    assert.equal(socket.remoteAddress, "127.0.0.1");
    assert.equal(socket.remotePort, client.socket.localPort);
    assert.equal(request.remoteAddress, "127.0.0.1");
    assert.equal(request.header("x-a"), "1, 2");
    assert.equal(peer.remoteAddress, "127.0.0.1");
  },

  "300 connections at once are served, and drained": async (stage) => {
    const { server, url } = await stage.serve(echo);
    const clients = await Promise.all(Array.from({ length: 300 }, () => stage.open(url)));
    const checkAnswer = async ({ socket, messages }, index) => {
      socket.send(`${index}`);
      assert.equal(await messages.next(), `${index}`);
    };
    await Promise.all(clients.map(checkAnswer));
    assert.equal(server.peers.size, 300);
    await server.close({ timeoutMs: 3000 });
    for (const { closed } of clients) assert.equal((await closed).code, 1001);
  },
};
