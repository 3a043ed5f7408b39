import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { listening, load, next, type Untyped } from "./dependents.ts";

const WebSocket = load("ws");

async function echoServer(): Promise<string> {
  const http = createServer();
  const server = new WebSocket.Server({ server: http, handleProtocols: () => "chat" });
  server.on("connection", (socket: Untyped) => {
    socket.on("message", (data: Buffer, binary: boolean) => socket.send(data, { binary }));
    socket.on("close", (code: number, reason: Buffer) => {
      server.emit("gone", code, String(reason));
    });
  });
  return `ws://127.0.0.1:${await listening(http)}`;
}

describe("puppeteer-core", () => {
  test("drives Chromium: evaluates, takes a screenshot, loads a page", async () => {
    const puppeteer = load("puppeteer-core");
    const userDataDir = mkdtempSync(join(tmpdir(), "longwire-puppeteer-"));
    onTestFinished(() => rmSync(userDataDir, { recursive: true, force: true, maxRetries: 5 }));
    const browser = await puppeteer.launch({
      executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
      args: ["--no-sandbox"],
      headless: true,
      userDataDir,
    });
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    await page.setViewport({ width: 1440, height: 900 });
    await page.setContent("<title>tïtle</title><h1>" + "wörd ".repeat(20_000) + "</h1>");
    expect(await page.title()).toBe("tïtle");
    expect(await page.evaluate(() => 6 * 7)).toBe(42);
    const text = await page.evaluate(() => (globalThis as Untyped).document.body.textContent);
    expect(text).toHaveLength(100_000);
    const image: Buffer = await page.screenshot();
    expect([...image.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
  });
});

describe("jsdom", () => {
  test("its window's WebSocket opens, sends, receives and closes", async () => {
    const url = await echoServer();
    const { JSDOM } = load("jsdom");
    const { window } = new JSDOM("", { url: "http://localhost/" });
    onTestFinished(() => window.close());
    const socket = new window.WebSocket(url, ["chat"]);
    socket.binaryType = "arraybuffer";
    await new Promise((resolve) => socket.addEventListener("open", resolve));
    expect(socket.protocol).toBe("chat");
    const received = (): Promise<Untyped> =>
      new Promise((resolve) => {
        socket.onmessage = ({ data }: Untyped) => resolve(data);
      });
    const text = received();
    socket.send("é");
    expect(await text).toBe("é");
    const bytes = received();
    socket.send(new window.Uint8Array([0, 255]));
    expect([...new Uint8Array(await bytes)]).toEqual([0, 255]);
    const closed = new Promise<Untyped>((resolve) => socket.addEventListener("close", resolve));
    socket.close(3_001, "bye");
    expect(await closed).toMatchObject({ code: 3_001, reason: "bye", wasClean: true });
  });
});

describe("engine.io", () => {
  test("its client and its server transfer text and bytes in both directions", async () => {
    const http = createServer();
    const server = load("engine.io").attach(http, { transports: ["websocket"] });
    server.on("connection", (socket: Untyped) => {
      socket.on("message", (data: Untyped) => socket.send(data));
    });
    const port = await listening(http);
    onTestFinished(() => server.close());
    const { Socket } = load("engine.io-client");
    const socket = new Socket(`ws://127.0.0.1:${port}`, { transports: ["websocket"] });
    await next(socket, "open");
    onTestFinished(() => socket.close());
    socket.send("é");
    expect((await next(socket, "message"))[0]).toBe("é");
    socket.send(Buffer.from([0, 255]));
    expect([...(await next(socket, "message"))[0]]).toEqual([0, 255]);
  });
});
