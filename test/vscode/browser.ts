/** Debian's Chromium, driven by playwright-core. */
import { existsSync } from "node:fs";
import { chromium as playwright, type Browser } from "playwright-core";

export type { Browser, FrameLocator, Locator, Page } from "playwright-core";
export { expect } from "vitest";

const places = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/usr/bin/google-chrome-stable",
];

/** Where the browser is; null if this machine has none. */
export const browserPath = places.find((place) => existsSync(place)) ?? null;

export const chromium = {
  async launch(): Promise<Browser> {
    if (browserPath === null) throw new Error(`no Chromium at ${places.join(", ")}`);
    return playwright.launch({
      executablePath: browserPath,
      timeout: 120_000,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
  },
};
