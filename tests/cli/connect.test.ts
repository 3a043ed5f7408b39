import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from "vitest";
import { WebSocketServer, type WebSocket } from "ws";
import { startEcho } from "./echo-server.ts";
import { longwire, runLongwire, RunningProgram } from "../rigs/processes/running-program.ts";

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 });

/** A server that is not ours, and what it was asked. */
async function startServer(onPeer: (peer: WebSocket) => void): Promise<{
  url: string;
  requests: { headers: NodeJS.Dict<string | string[]> }[];
}> {
  const requests: { headers: NodeJS.Dict<string | string[]> }[] = [];
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  onTestFinished(() => server.close());
  server.on("connection", (peer, { headers }) => {
    requests.push({ headers });
    onPeer(peer);
  });
  await once(server, "listening");
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

describe.concurrent("a pipe", () => {
  let url = "";
  beforeAll(async () => ({ url } = await startEcho()));
  afterAll(() => RunningProgram.endAll());

  test("echo hi | longwire connect URL prints hi, and nothing else, and exits 0", async () => {
    const program = await runLongwire(["connect", url], "hi\n");
    expect(program.stdout).toBe("hi\n");
    expect(program.stderr).toBe("");
    expect(await program.exited).toBe(0);
  });

  test("each line is a message, including a last one without a line end and lines with slashes", async () => {
    const program = await runLongwire(["connect", url], "one\n\n/close\nlast");
    expect(program.stdout).toBe("one\n\n/close\nlast\n");
  });

  test("--json writes one JSON object per line: open, messages of both directions, close", async () => {
    const program = await runLongwire(["connect", url, "--json"], '{"a":1}\nnot JSON\n');
    const lines = program.stdout.trimEnd().split("\n");
    const happenings = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    for (const { time } of happenings) expect(time).toMatch(/^\d{4}-\d\d-\d\dT.*Z$/);
    expect(happenings[0]).toMatchObject({ kind: "open", url: `${url}/` });
    expect(happenings.filter(({ direction }) => direction === "out")).toMatchObject([
      { kind: "message", type: "text", data: '{"a":1}', json: { a: 1 } },
      { kind: "message", type: "text", data: "not JSON" },
    ]);
    expect(happenings.filter(({ direction }) => direction === "in")).toMatchObject([
      { kind: "message", type: "text", data: '{"a":1}', json: { a: 1 } },
      { kind: "message", type: "text", data: "not JSON" },
    ]);
    expect(happenings.at(-1)).toMatchObject({ kind: "close", code: 1000 });
  });

  test("a reader that exits early, such as head, is not an error", async () => {
    const program = longwire("connect", url);
    program.type("one\n");
    await program.says(/^one$/m);
    program.process.stdout.destroy();
    program.type("two\n");
    expect(await program.exited).toBe(0);
    expect(program.stderr).toBe("");
  });
});

describe("requests to the server", () => {
  afterEach(() => RunningProgram.endAll());

  test("--param pairs are sent first, as one JSON object", async () => {
    const received: string[] = [];
    const { url } = await startServer((peer) => {
      peer.on("message", (data: Buffer) => received.push(data.toString()));
    });
    const params = ["--param", "deviceType=AP", "--param", "name=a=b"];
    await runLongwire(["connect", url, ...params, "--wait", "0"], "then this\n");
    expect(received).toEqual(['{"deviceType":"AP","name":"a=b"}', "then this"]);
  });

  test("--header and --protocol are part of the handshake", async () => {
    const { url, requests } = await startServer(() => {});
    const headers = ["-H", "Authorization: Bearer a:b", "--header", "X-Rack: 7"];
    await runLongwire(["connect", url, ...headers, "--protocol", "chat", "--wait", "0"]);
    expect(requests[0]?.headers).toMatchObject({
      authorization: "Bearer a:b",
      "x-rack": "7",
      "sec-websocket-protocol": "chat",
    });
  });

  test("binary messages are written unchanged, and with --json as base64", async () => {
    const { url } = await startServer((peer) => peer.send(Buffer.from("bytes")));
    expect((await runLongwire(["connect", url])).stdout).toBe("bytes\n");
    const { stdout } = await runLongwire(["connect", url, "--json"]);
    expect(stdout).toContain('"type":"binary"');
    expect(stdout).toContain(`"data":"${Buffer.from("bytes").toString("base64")}"`);
  });

  test("an error close by the server is one line with code and reason, exit code 1", async () => {
    const { url } = await startServer((peer) => peer.close(4404, "no such topic"));
    const program = await runLongwire(["connect", url]);
    expect(program.stderr).toBe("longwire: closed with 4404, no such topic\n");
    expect(await program.exited).toBe(1);
  });

  test.each(["SIGINT", "SIGTERM"] as const)("%s closes with 1000 and exits 0", async (signal) => {
    const closed = vi.fn<(code: number) => void>();
    const { url: own } = await startServer((peer) => {
      peer.on("close", closed);
      peer.send("ready");
    });
    const program = longwire("connect", own);
    await program.says(/ready/);
    expect(await program.stop(signal)).toBe(0);
    await expect.poll(() => closed.mock.lastCall?.[0]).toBe(1000);
  });

  test("a normal close by the server exits with 0", async () => {
    const { url } = await startServer((peer) => peer.close(1000));
    expect(await (await runLongwire(["connect", url])).exited).toBe(0);
  });
});

describe("invalid use", () => {
  afterAll(() => RunningProgram.endAll());

  test("a refused connection is one line that names the address, exit code 1", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const { port } = taken.address() as AddressInfo;
    taken.close();
    await once(taken, "close");
    const program = await runLongwire(["connect", `ws://127.0.0.1:${port}`], "hi\n");
    expect(program.stdout).toBe("");
    expect(program.stderr).toMatch(new RegExp(`^longwire: [^\n]*${port}[^\n]*\n$`));
    expect(await program.exited).toBe(1);
  });

  test("a server without WebSocket support is one line with its status, exit code 1", async () => {
    const plain = createServer((_, response) => response.writeHead(418).end("no"));
    onTestFinished(() => void plain.close());
    plain.listen(0, "127.0.0.1");
    await once(plain, "listening");
    const { port } = plain.address() as AddressInfo;
    const program = await runLongwire(["connect", `ws://127.0.0.1:${port}`]);
    expect(program.stderr).toMatch(/^longwire: [^\n]*418[^\n]*\n$/);
    expect(await program.exited).toBe(1);
  });

  test.concurrent.each([
    ["an invalid URL", ["not-a-url"], /not-a-url/],
    ["an unknown scheme", ["ftp://127.0.0.1/"], /ftp/],
    ["a header without a colon", ["ws://127.0.0.1:9", "--header", "nothing"], /--header/],
    ["a param without a sign", ["ws://127.0.0.1:9", "--param", "nothing"], /--param/],
    ["a wait that is not a number", ["ws://127.0.0.1:9", "--wait", "soon"], /--wait/],
    ["an unknown option", ["ws://127.0.0.1:9", "--nonsense"], /--nonsense/],
  ])("%s is refused with a message that names it, without a stack", async (_, args, named) => {
    const program = await runLongwire(["connect", ...args]);
    expect(program.stderr).toMatch(named);
    expect(program.stderr).not.toMatch(/^\s+at /m);
    expect(program.stdout).toBe("");
    expect(await program.exited).toBe(1);
  });
});
