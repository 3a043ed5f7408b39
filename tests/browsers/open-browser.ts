import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch, type Browser, type LaunchOptions } from "puppeteer-core";

const programs: Record<BrowserName, LaunchOptions> = {
  chromium: {
    browser: "chrome",
    executablePath: process.env["CHROMIUM"] ?? "/usr/bin/chromium",
    // A page that comes back from there is what some tests are about.
    ignoreDefaultArgs: ["--disable-back-forward-cache"],
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  },
  firefox: {
    browser: "firefox",
    executablePath: process.env["FIREFOX"] ?? "/usr/bin/firefox-esr",
  },
};

export type BrowserName = "chromium" | "firefox";

/** A real browser with a profile of its own; the returned function ends it. */
export async function openBrowser(
  name: BrowserName,
): Promise<{ browser: Browser; end: () => Promise<void> }> {
  const userDataDir = mkdtempSync(join(tmpdir(), `longwire-${name}-`));
  const browser = await launch({ ...programs[name], userDataDir, headless: true });
  const end = async (): Promise<void> => {
    await browser.close();
    rmSync(userDataDir, { recursive: true, force: true, maxRetries: 5 });
  };
  return { browser, end };
}
