import { expect, onTestFinished, test } from "vitest";
import { load, next, type Untyped } from "./dependents.ts";

load("reflect-metadata");
const { Module } = load("@nestjs/common");
const { NestFactory } = load("@nestjs/core");
const { WsAdapter } = load("@nestjs/platform-ws");
const { MessageBody, SubscribeMessage, WebSocketGateway } = load("@nestjs/websockets");
const WebSocket = load("ws");

class Gateway {
  readonly seen: string[] = [];
  onGone: () => void = () => {};

  handleConnection(): void {
    this.seen.push("connected");
  }

  handleDisconnect(): void {
    this.seen.push("disconnected");
    this.onGone();
  }

  echo(data: unknown): unknown {
    return { event: "echoed", data };
  }
}

const App = class App extends Object {};

// Applies the decorators manually, because JavaScript does not have them.
const { prototype } = Gateway;
SubscribeMessage("echo")(prototype, "echo", Object.getOwnPropertyDescriptor(prototype, "echo"));
MessageBody()(prototype, "echo", 0);
WebSocketGateway({ path: "/live" })(Gateway);
Module({ providers: [Gateway] })(App);

test("@nestjs/platform-ws: a gateway answers messages, and is notified of its clients", async () => {
  const app = await NestFactory.create(App, { logger: false });
  onTestFinished(() => app.close());
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, "127.0.0.1");
  const { port } = app.getHttpServer().address();
  const socket: Untyped = new WebSocket(`ws://127.0.0.1:${port}/live`);
  await next(socket, "open");
  socket.send(JSON.stringify({ event: "echo", data: { n: 1 } }));
  const [answer] = await next(socket, "message");
  expect(JSON.parse(String(answer))).toEqual({ event: "echoed", data: { n: 1 } });
  const gateway = app.get(Gateway) as Gateway;
  const gone = new Promise<void>((resolve) => (gateway.onGone = resolve));
  socket.close();
  await next(socket, "close");
  await gone;
  expect(gateway.seen).toEqual(["connected", "disconnected"]);
});
