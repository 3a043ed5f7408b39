import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import vue from "@vitejs/plugin-vue";
import sirv from "sirv";
import { compile } from "svelte/compiler";
import * as v from "valibot";
import { build, type Plugin } from "vite";
import { expect, onTestFinished, test, vi } from "vitest";
import { MemoryBroker } from "../../src/brokers/memory/index.ts";
import { keyedTopic, LiveServer, logTopic, matchFields } from "../../src/live/index.ts";
import { WebSocketServer } from "../../src/server/index.ts";
import { Chromium, patience } from "../rigs/processes/chromium.ts";

vi.setConfig({ testTimeout: 60_000 });

const root = resolve(import.meta.dirname, "../..");

/** Inside the project, for that is where the frameworks and the built package are found. */
const folder = join(root, ".cache/bindings-page");

const svelte: Plugin = {
  name: "svelte",
  transform: (code, id) =>
    id.endsWith(".svelte") ? compile(code, { filename: id, generate: "client" }).js : undefined,
};

const main = `
import { createApp, h, ref } from "vue";
import { createElement, useState } from "react";
import { createRoot } from "react-dom/client";
import { mount } from "svelte";
import VueDevices from "./Devices.vue";
import { Devices as ReactDevices } from "./Devices.tsx";
import { People } from "./People.tsx";
import { Room } from "./Room.tsx";
import SvelteDevices from "./Page.svelte";

const deviceType = ref("AP");
createApp({ setup: () => () => h(VueDevices, { deviceType: deviceType.value }) }).mount("#vue");
let setType;
const Page = () => {
  const [type, set] = useState("AP");
  setType = set;
  return createElement(ReactDevices, { deviceType: type });
};
createRoot(document.querySelector("#room")).render(createElement(Room));
createRoot(document.querySelector("#people")).render(createElement(People));
createRoot(document.querySelector("#react")).render(createElement(Page));
const { turnTo } = mount(SvelteDevices, { target: document.querySelector("#svelte") });
globalThis.turnTo = (type) => {
  deviceType.value = type;
  setType(type);
  turnTo(type);
};
`;

const sveltePage = `
<script>
  import Count from "./Count.svelte";
  import Devices from "./Devices.svelte";
  let deviceType = $state("AP");
  export function turnTo(type) {
    deviceType = type;
  }
</script>
<Devices {deviceType} />
<div id="count"><Count {deviceType} /></div>
`;

const index = `<link rel="icon" href="data:," /><div id="vue"></div><div id="react"></div>
<div id="room"></div><div id="people"></div><div id="svelte"></div><script type="module" src="./main.js"></script>`;

/** The page's code blocks that have a file's name. */
function files(): Record<string, string> {
  const text = readFileSync(join(root, "docs/guides/bindings.md"), "utf8");
  const blocks = text.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm);
  return Object.fromEntries([...blocks].map(([, name, code]) => [name!, code!]));
}

async function buildPage(): Promise<string> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const all = { ...files(), "main.js": main, "Page.svelte": sveltePage, "index.html": index };
  for (const [name, code] of Object.entries(all)) writeFileSync(join(folder, name), code);
  const outDir = join(folder, "built");
  const plugins = [vue(), svelte];
  await build({ root: folder, configFile: false, logLevel: "error", plugins, build: { outDir } });
  return outDir;
}

const status = v.object({ status: v.string() });

test("the components of docs/guides/bindings.md show the devices that their props select", async () => {
  expect(Object.keys(files()).join(" ")).toBe(
    "live.ts Devices.vue Devices.tsx Devices.svelte Room.tsx People.tsx Count.svelte",
  );
  const page = sirv(await buildPage());
  const live = await LiveServer.open({
    topics: [
      keyedTopic("devices", { match: matchFields }),
      logTopic("rooms/:room", { presence: { data: status } }),
    ],
    broker: new MemoryBroker(),
  });
  const devices = live.topic("devices");
  await devices.set("ap-1", { deviceType: "AP", clients: 3 });
  await devices.set("m-1", { deviceType: "machine", clients: 0 });
  const sockets = new WebSocketServer(live.endpoint("/live"));
  const http = createServer((request, response) => page(request, response));
  sockets.attach(http);
  await new Promise<void>((listening) => http.listen(0, "127.0.0.1", listening));
  const chromium = await Chromium.launch();
  onTestFinished(async () => {
    await chromium.close();
    await sockets.close({ timeoutMs: 200 });
    http.close();
    await live.close();
  });
  const visit = await chromium.visit(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
  const textsOf = (ids: string[]) =>
    visit.page.evaluate(
      (ids) =>
        ids.map((id) => {
          const text = document.querySelector(`#${id}`)?.textContent ?? "";
          return text.replaceAll(/\s+/g, " ").trim();
        }),
      ids,
    );
  const shown = async () =>
    (await textsOf(["vue", "react", "svelte"])).map((text) => text.replace(/ ?\d+ devices$/, ""));
  const others = () => textsOf(["count", "room", "people"]);
  const all = (pattern: RegExp) => (texts: string[]) => texts.every((text) => pattern.test(text));
  await expect.poll(shown, patience).toSatisfy(all(/^live ?ap-1: 3 clients$/));
  await devices.set("ap-2", { deviceType: "AP", clients: 9 });
  await expect.poll(shown, patience).toSatisfy(all(/^live ?ap-1: 3 clients ?ap-2: 9 clients$/));
  await expect.poll(others, patience).toEqual(["2 devices", "live", "Away1 present"]);
  await live.topic("rooms/lobby").publish({ text: "hello" });
  await visit.page.evaluate("turnTo('machine')");
  await expect.poll(shown, patience).toSatisfy(all(/^live ?m-1: 0 clients$/));
  await expect.poll(others, patience).toEqual(["1 devices", "hellolive", "Away1 present"]);
  // Six components, one subscription to each of three topics.
  await expect.poll(() => live.census().subscriptions, patience).toBe(3);
  expect(visit.errors).toEqual([]);
});
