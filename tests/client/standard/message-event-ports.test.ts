import { afterEach, expect, test, vi } from "vitest";

afterEach(() => {
  vi.unstubAllGlobals();
  vi.resetModules();
});

test("a message is delivered on platforms that assign ports to each event, such as Deno", async () => {
  class OwnPortsEvent extends Event {
    constructor(type: string, { data }: { data?: unknown }) {
      super(type);
      Object.assign(this, { data, ports: [] });
    }
  }
  vi.stubGlobal("MessageEvent", OwnPortsEvent);
  vi.resetModules();
  const { fire } = await import("../../../src/client/standard/fired-event.ts");
  const target = new EventTarget();
  const seen: Event[] = [];
  target.addEventListener("message", (event) => seen.push(event));
  fire.message(target, "hi", "ws://a.test");
  expect(seen).toMatchObject([{ data: "hi", ports: [] }]);
});
