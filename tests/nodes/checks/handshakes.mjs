import assert from "node:assert/strict";
import { get } from "node:http";
import { HandshakeRefusal } from "../../../dist/server/index.js";
import { Arrivals, turns } from "../arrivals.mjs";
import { frame, handshake } from "../raw-client.mjs";
import { echo } from "../stage.mjs";

const LEAVES = ["end", "destroy", "resetAndDestroy"];

/** The status of the answer, after which the server ends the connection. */
async function refusalOf(stage, port, ...pieces) {
  const client = stage.raw(port);
  await client.write(...pieces);
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

  "a plain request that wants its connection closed gets that": async (stage) => {
    const { port } = await stage.serve(echo);
    for (const request of ["1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "1.0\r\n\r\n"]) {
      const client = stage.raw(port);
      await client.write(`GET / HTTP/${request}`);
      const head = await client.received.next();
      assert.match(head, /^HTTP\/1\.1 426 [^]*\r\nConnection: Upgrade, close\r\n/);
      await client.closed.next();
    }
  },

  "a connection that was used for a plain request can become a WebSocket": async (stage) => {
    const { port } = await stage.serve({
      ...echo,
      onRequest: ({ response }) => void response.writeHead(204).end(),
    });
    const client = stage.raw(port);
    const all = new Arrivals();
    let text = "";
    client.socket.on("data", (chunk) => {
      text += chunk.toString("latin1");
      if (text.endsWith("\x81\x05hello")) all.push(text);
    });
    await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n", handshake(), frame(1, "hello"));
    assert.match(await all.next(), /^HTTP\/1\.1 204 [^]*HTTP\/1\.1 101 /);
  },

  "data that is not HTTP is answered with 400, wherever it is cut": async (stage) => {
    const { port } = await stage.serve(echo);
    assert.equal(await refusalOf(stage, port, "no HTTP at all\r\n\r\n"), 400);
    assert.equal(await refusalOf(stage, port, "\u0016", "\u0003 hello\r\n\r\n"), 400);
  },

  "an invalid handshake is answered with 400, one of another version with 426": async (stage) => {
    const { port } = await stage.serve(echo);
    const good = handshake().toString();
    assert.equal(await refusalOf(stage, port, good.replace(/Sec-WebSocket-Key:.*\r\n/, "")), 400);
    assert.equal(await refusalOf(stage, port, handshake("/", "Content-Length: 5\r\n")), 400);
    assert.equal(await refusalOf(stage, port, good.replace("Version: 13", "Version: 8")), 426);
  },

  "a wrong path is 404, a refusing authorize its status, a long head 431": async (stage) => {
    const authorize = () => new HandshakeRefusal(401);
    const { port } = await stage.serve({ path: "/here", authorize }, { maxHeaderBytes: 2048 });
    assert.equal(await refusalOf(stage, port, handshake("/elsewhere")), 404);
    assert.equal(await refusalOf(stage, port, handshake("/here")), 401);
    const long = handshake("/here", `X: ${"a".repeat(3000)}\r\n`);
    assert.equal(await refusalOf(stage, port, long), 431);
  },

  "a client that stays silent is answered with 408, also after the start of a request": async (
    stage,
  ) => {
    const { port } = await stage.serve(echo, { handshakeTimeoutMs: 100 });
    const begun = refusalOf(stage, port, "GET / HTTP/1.1\r\nHost: a\r\n");
    assert.equal(await refusalOf(stage, port, ""), 408);
    assert.equal(await begun, 408);
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

  "so are those of several clients at once, each its own, and their ends": async (stage) => {
    const deciders = new Map();
    const seen = [];
    const closures = new Arrivals();
    const authorize = ({ path }) => new Promise((resolve) => deciders.set(path, resolve));
    const onOpen = (peer, { path }) => (peer.data.path = path);
    const onMessage = ({ data }, message) => void seen.push(`${data.path} ${message}`);
    const onClose = (_, { code }) => closures.push(code);
    const { port } = await stage.serve({ authorize, onOpen, onMessage, onClose });
    const paths = ["/a", "/b", "/c", "/d"];
    const clients = paths.map(() => stage.raw(port));
    for (const [index, client] of clients.entries()) {
      // Some frames come with the head, some behind it.
      const early = index % 2 === 0 ? [frame(1, "0")] : [];
      await client.write(Buffer.concat([handshake(paths[index]), ...early]));
      if (index % 2 === 1) await client.write(frame(1, "0"));
    }
    for (const client of clients) await client.write(frame(1, "1"));
    for (const client of clients) await client.write(frame(1, "2"));
    const silent = stage.raw(port);
    await silent.write(handshake("/silent"));
    for (const client of [...clients, silent]) client.socket.end();
    await turns(10);
    assert.deepEqual(seen, []);
    for (const path of [...paths, "/silent"].toReversed()) deciders.get(path)({});
    assert.deepEqual(new Set(await closures.take(5)), new Set([1006]));
    for (const path of paths) {
      const own = seen.filter((text) => text.startsWith(path));
      assert.deepEqual(own, [`${path} 0`, `${path} 1`, `${path} 2`]);
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
