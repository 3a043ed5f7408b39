import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { keyedTopic, logTopic, matchFields } from "../../../../src/live/index.ts";
import type { Message } from "../../../rigs/live/live-client.ts";
import { RunningLive } from "../../../rigs/live/running-live.ts";

const run = promisify(execFile);

/** No progress, but errors; and no proxy that the surroundings name. */
const QUIETLY = ["-sS", "--noproxy", "*"];

const start = (): Promise<RunningLive> =>
  RunningLive.start({
    topics: [
      keyedTopic("devices", { match: matchFields, clientPublish: true }),
      logTopic("news", { clientPublish: true }),
    ],
  });

/** Runs curl to its end; what it prints last is the status. */
async function curl(...args: string[]): Promise<{ status: number; body: Message | undefined }> {
  const { stdout } = await run("curl", [...QUIETLY, "-w", "\n%{http_code}", ...args]);
  const end = stdout.lastIndexOf("\n");
  const text = stdout.slice(0, end);
  const body = text === "" ? undefined : (JSON.parse(text) as Message);
  return { status: Number(stdout.slice(end + 1)), body };
}

/** A curl that prints a stream of server-sent events. */
class StreamingCurl {
  readonly #curl;
  #text = "";

  constructor(...args: string[]) {
    this.#curl = spawn("curl", [...QUIETLY, "-N", "-H", "Accept: text/event-stream", ...args]);
    this.#curl.stdout.setEncoding("utf8").on("data", (text: string) => (this.#text += text));
    onTestFinished(() => void this.#curl.kill());
  }

  /** The ids and messages that were printed until now. */
  get events(): { id: string | undefined; message: Message }[] {
    return this.#text.split("\n\n").flatMap((block) => {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data === undefined) return [];
      return [{ id: /^id: (.*)$/m.exec(block)?.[1], message: JSON.parse(data) as Message }];
    });
  }

  async end(): Promise<void> {
    this.#curl.kill();
    await once(this.#curl, "close");
  }
}

test("state, narrowed by the query, with the position as ETag", async () => {
  const live = await start();
  await live.topic("devices").set("ap-1", { deviceType: "AP" });
  await live.topic("devices").set("m-1", { deviceType: "machine" });
  const { status, body } = await curl(live.http("devices?deviceType=AP"));
  expect(status).toBe(200);
  expect(body).toMatchObject({ kind: "keyed", complete: true, entries: [{ key: "ap-1" }] });
  const etag = `"${String(body?.["epoch"])}:${String(body?.["offset"])}"`;
  expect(await curl("-H", `If-None-Match: ${etag}`, live.http("devices?deviceType=AP"))).toEqual({
    status: 304,
    body: undefined,
  });
});

test("a long poll answers with the event that another curl posted", async () => {
  const live = await start();
  const { body } = await curl(live.http("news"));
  const known = live.responses.length;
  const behind = `epoch=${String(body?.["epoch"])}&offset=${String(body?.["offset"])}`;
  const next = curl(live.http(`news?wait=30&${behind}`));
  await expect.poll(() => live.responses.length, { interval: 5 }).toBe(known + 1);
  const posted = await curl("-d", '{"data":"hello","idempotencyKey":"once"}', live.http("news"));
  expect(posted).toEqual({ status: 201, body: { topic: "news", offset: 1, duplicate: false } });
  expect(await next).toMatchObject({
    status: 200,
    body: { events: [{ offset: 1, data: "hello" }] },
  });
  const again = await curl("-d", '{"data":"hello","idempotencyKey":"once"}', live.http("news"));
  expect(again.body).toEqual({ topic: "news", offset: 1, duplicate: true });
});

test("a stream of server-sent events continues after its last id, with nothing lost or duplicated", async () => {
  const live = await start();
  const first = new StreamingCurl(live.http("news"));
  await expect.poll(() => live.live.census().streams).toBe(1);
  await live.topic("news").publish("a");
  await expect.poll(() => first.events.at(-1)?.message["data"]).toBe("a");
  const { id } = first.events.at(-1)!;
  await first.end();
  await live.topic("news").publish("b");
  const second = new StreamingCurl("-H", `Last-Event-ID: ${id}`, live.http("news"));
  await expect.poll(() => second.events.at(-1)?.message["data"]).toBe("b");
  await live.topic("news").publish("c");
  await expect.poll(() => second.events.at(-1)?.message["data"]).toBe("c");
  const data = second.events.flatMap(({ message }) =>
    message["type"] === "event" ? [message["data"]] : [],
  );
  expect(data).toEqual(["b", "c"]);
});

test("a request that the topic does not accept is refused with advice", async () => {
  const live = await start();
  expect(await curl("-d", '{"data":1}', live.http("nonsense"))).toMatchObject({
    status: 404,
    body: { code: "unknown_topic", message: expect.any(String) as string },
  });
  expect(await curl("-d", "no JSON", live.http("news"))).toMatchObject({
    status: 400,
    body: { message: expect.any(String) as string },
  });
});
