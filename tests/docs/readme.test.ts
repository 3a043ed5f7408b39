import { spawn, type ChildProcess } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Chromium } from "../rigs/processes/chromium.ts";
import { RawClient } from "../rigs/sockets/raw-client.ts";

const root = resolve(import.meta.dirname, "../..");

let chromium: Chromium;
beforeAll(async () => {
  chromium = await Chromium.launch();
});
afterAll(() => chromium.close());

/** The code blocks of a page, in order. */
function blocks(page: string, language: string): string[] {
  const text = readFileSync(join(root, page), "utf8");
  return [...text.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, "g"))].map(
    ([, code]) => code!,
  );
}

/** A project folder that has `longwire` installed, as a user's has. */
function project(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "longwire-docs-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "node_modules"));
  symlinkSync(root, join(folder, "node_modules/longwire"));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
  return folder;
}

function run(folder: string, file: string): ChildProcess {
  const child = spawn(process.execPath, [file], {
    cwd: folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill());
  return child;
}

async function lineOf(child: ChildProcess): Promise<string> {
  for await (const chunk of child.stdout! as AsyncIterable<Buffer>) return chunk.toString();
  throw new Error("The program ended without a word.");
}

/** No test may depend on a port being free: the printed page's is replaced. */
function onFreePort(code: string): string {
  return code.replace(/port: \d+/, "port: 0");
}

describe.each(["README.md", "README.zh-CN.md"])("%s", (page) => {
  test("ten lines of server and ten of browser work when they are copied", async () => {
    const server = blocks(page, "js")[0]!;
    const html = blocks(page, "html")[0]!;
    expect(server.trimEnd().split("\n").length).toBeLessThanOrEqual(10);
    expect(html.trimEnd().split("\n").length).toBeLessThanOrEqual(10);
    const folder = project({ "server.mjs": onFreePort(server), "page.html": html });
    const url = /http:\S+/.exec(await lineOf(run(folder, "server.mjs")))![0];
    const { page: tab } = await chromium.visit(url);
    await tab.waitForFunction(() => document.querySelector("li")?.textContent === "welcome");
    await tab.type("input", "hello");
    await tab.keyboard.press("Enter");
    await tab.waitForFunction(() => document.body.textContent.includes("you said hello"));
  });

  test("the live topic's lines work when they are copied", async () => {
    const code = `${onFreePort(blocks(page, "js")[1]!).replace("await new", "const { port } = await new")}\nconsole.log(port);`;
    const folder = project({ "live.mjs": code });
    const port = Number(await lineOf(run(folder, "live.mjs")));
    const client = await RawClient.upgrade(port, "/live/prices?symbol=ACME");
    const [frame] = await client.framesWhen(1);
    expect(JSON.parse(Buffer.from(frame!.payload).toString())).toMatchObject({ symbol: "ACME" });
  });
});

test.each(["docs/index.md", "docs/zh/index.md"])("%s shows the READMEs' first code", (page) => {
  for (const language of ["js", "html"]) {
    expect(blocks(page, language)[0]).toBe(blocks("README.md", language)[0]);
  }
});

test("both READMEs show the same code", () => {
  for (const language of ["sh", "js", "html"]) {
    const [english, chinese] = ["README.md", "README.zh-CN.md"].map((page) =>
      blocks(page, language).map((code) => code.replaceAll(/#.*$/gm, "")),
    );
    expect(chinese!.map((code) => code.replaceAll(/\s+/g, " "))).toEqual(
      english!.map((code) => code.replaceAll(/\s+/g, " ")),
    );
  }
});

test("the tutorial's server works when it is copied", async () => {
  const [server] = blocks("docs/tutorial/index.md", "js");
  const [html] = blocks("docs/tutorial/index.md", "html");
  const code = server!.replace(
    'http.listen(8083, () => console.log("open http://127.0.0.1:8083/"));',
    "http.listen(0, () => console.log(http.address().port));",
  );
  expect(code).not.toBe(server);
  const folder = project({ "prices.mjs": code, "prices.html": html! });
  const port = Number(await lineOf(run(folder, "prices.mjs")));
  const { page: tab } = await chromium.visit(`http://127.0.0.1:${port}/`);
  await tab.waitForFunction(() => /ACME: \d/.test(document.body.textContent));
});

test("the tutorial's page with the client works when it is copied, and comes back after the server", async () => {
  const server = blocks("docs/tutorial/index.md", "js").find((code) => code.includes("live.html"))!;
  const [, html] = blocks("docs/tutorial/index.md", "html");
  const code = (port: number): string =>
    server.replace(
      'http.listen(8084, () => console.log("open http://127.0.0.1:8084/"));',
      `http.listen(${port}, () => console.log(http.address().port));`,
    );
  expect(code(0)).not.toBe(server);
  const folder = project({ "live.mjs": code(0), "live.html": html! });
  const first = run(folder, "live.mjs");
  const port = Number(await lineOf(first));
  const { page: tab } = await chromium.visit(`http://127.0.0.1:${port}/`);
  await tab.waitForFunction(() => /ACME.*live|live.*ACME/s.test(document.body.textContent));
  await tab.waitForFunction(() => document.body.textContent.includes("1 reading"));
  first.kill("SIGKILL");
  await tab.waitForFunction(() => /offline|connecting/.test(document.body.textContent));
  writeFileSync(join(folder, "again.mjs"), code(port));
  // Another test may have been given the port meanwhile, for a moment.
  await expect.poll(() => lineOf(run(folder, "again.mjs")).catch(String)).toBe(`${port}\n`);
  await tab.waitForFunction(() => /live/.test(document.querySelector("#status")!.textContent));
});

test("every relative link of the docs leads somewhere", () => {
  const pages = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "CHANGELOG.md"].concat(
    readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
      // Those that the site's build has written are checked when it is.
      .filter((name) => name.endsWith(".md") && !/(?:^|\/)(?:api|project)\//.test(name))
      .map((name) => `docs/${name}`),
  );
  expect(pages.length).toBeGreaterThan(20);
  for (const page of pages) {
    const text = readFileSync(join(root, page), "utf8");
    for (const [, link] of text.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (/^https?:/.test(link!)) continue;
      expect(existsSync(join(root, page, "..", link!)), `${link} in ${page}`).toBe(true);
    }
  }
});
