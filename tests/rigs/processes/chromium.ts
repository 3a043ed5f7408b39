import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { launch, type Browser, type BrowserContext, type Page } from "puppeteer-core";

const executablePath = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Nothing of its own on the network, and as little as possible beside the page. */
const flags = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** A real Chromium with its own profile, which is deleted when it ends. */
export class Chromium {
  readonly #browser: Browser;
  readonly #profile: string;

  private constructor(browser: Browser, profile: string) {
    this.#browser = browser;
    this.#profile = profile;
  }

  static async launch(...more: string[]): Promise<Chromium> {
    const userDataDir = mkdtempSync(join(tmpdir(), "longwire-chromium-"));
    const options = { executablePath, userDataDir, args: [...flags, ...more], headless: true };
    return new Chromium(await launch(options), userDataDir);
  }

  async close(): Promise<void> {
    await this.#browser.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** Opens a page as a visitor of its own: no cookies or choices of another page. */
  async visit(url: string, look: { width?: number; language?: string } = {}): Promise<Visit> {
    const context = await this.#browser.createBrowserContext();
    const visit = new Visit(await context.newPage(), context);
    await visit.page.setViewport({ width: look.width ?? 1280, height: 900 });
    const language = look.language ?? "en-US";
    // The header and navigator.language are set apart from each other.
    await visit.page.setExtraHTTPHeaders({ "Accept-Language": language });
    await visit.page.evaluateOnNewDocument((text) => {
      Object.defineProperty(navigator, "language", { get: () => text });
      Object.defineProperty(navigator, "languages", { get: () => [text] });
    }, language);
    await visit.page.goto(url);
    return visit;
  }
}

/** A page that somebody has open, and what its console said. */
export class Visit {
  readonly page: Page;
  readonly errors: string[] = [];
  readonly logs: string[] = [];
  readonly #context: BrowserContext;

  constructor(page: Page, context: BrowserContext) {
    this.page = page;
    this.#context = context;
    page.on("console", (message) => {
      (message.type() === "error" ? this.errors : this.logs).push(message.text());
    });
    page.on("pageerror", (error) => this.errors.push(String(error)));
  }

  /** Goes to another view of the page, as following a link does: nothing is loaded. */
  async go(hash: string): Promise<void> {
    await this.page.evaluate((to) => void (location.hash = to), hash);
  }

  /** The text of the element that a test attribute names; undefined while it is not there. */
  text(name: string, inside = ""): Promise<string | undefined> {
    const selector = `${inside} [data-test="${name}"]`;
    return this.page.evaluate(
      (found) => document.querySelector(found)?.textContent?.trim(),
      selector,
    );
  }

  /** An attribute of that element. */
  attribute(name: string, attribute: string): Promise<string | null | undefined> {
    return this.page.evaluate(
      (found, of) => document.querySelector(found)?.getAttribute(of),
      `[data-test="${name}"]`,
      attribute,
    );
  }

  async click(name: string): Promise<void> {
    const selector = `[data-test="${name}"]:not([disabled])`;
    const element = await this.page.waitForSelector(selector, { visible: true });
    await element?.click();
  }

  /** Replaces what a field holds. */
  async fill(name: string, text: string): Promise<void> {
    const field = await this.page.waitForSelector(`[data-test="${name}"]`, { visible: true });
    await field?.click({ count: 3 });
    await field?.press("Backspace");
    await field?.type(text);
  }

  async choose(name: string, value: string): Promise<void> {
    await this.page.select(`[data-test="${name}"]`, value);
  }

  /** Waits until that element's text is, or matches, what is expected. */
  async shows(name: string, expected: string | RegExp, inside = ""): Promise<void> {
    const poll = expect.poll(() => this.text(name, inside), patience);
    await (typeof expected === "string" ? poll.toBe(expected) : poll.toMatch(expected));
  }

  /** The devices in the table, by name: "true" when shown as online. */
  rows(): Promise<Record<string, string>> {
    return this.page.$$eval('[data-test="device-row"]', (rows) =>
      Object.fromEntries(
        rows.map((row) => {
          const { dataset } = row as HTMLElement;
          return [dataset["name"], dataset["online"]];
        }),
      ),
    );
  }

  async leave(): Promise<void> {
    await this.#context.close();
  }
}

/** How long something may take that a person would call prompt, on a machine that is busy. */
export const patience = { timeout: 12_000, interval: 50 };

/** A page's waits before it tries again are random and grow: the last one may be long. */
export const reconnecting = { timeout: 40_000, interval: 50 };

/** The row of a device, as a selector. */
export function rowOf(name: string): string {
  return `[data-test="device-row"][data-name="${name}"]`;
}
