import { mkdirSync } from "node:fs";
import { join } from "node:path";
import chromium from "@sparticuz/chromium";
import axe, { type Result } from "axe-core";
import { type Browser, type Page, chromium as playwright } from "playwright-core";
import type { Config } from "../../../src/config.ts";
import { openConsole } from "../../../src/console/console.ts";
import { openLog } from "../../../src/log.ts";

/** Pictures of pages, for whoever looks at a run. */
const PICTURES = join(import.meta.dirname, "../../output/console");
const WIDTHS = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } } as const;

/** What a page's own scope holds, as far as it is looked at. */
interface Inside {
  readonly axe: typeof axe;
  readonly document: { readonly documentElement: { readonly scrollWidth: number } };
}

/** @param also flags of Chromium's */
export async function openBrowser(also: readonly string[] = []): Promise<Browser> {
  const executablePath = await chromium.executablePath();
  // Not the package's own flags: they let every site read every other.
  const args = ["--no-sandbox", "--disable-gpu", ...also];
  return playwright.launch({ executablePath, args, timeout: 0 });
}

/** A console that may only read, and a browser to look at it with. */
export async function openShown(config: Config) {
  const browser = await openBrowser();
  const console = await openConsole({ config, log: openLog(config), port: 0, acts: false });
  const close = async () => {
    await browser.close();
    await console.close();
  };
  return { browser, console, close };
}

/**
 * A page that notes what went wrong in it: errors, refusals of its policy, and dialogs that a script opened.
 * @param before a script that runs in the page before any of its own
 */
export async function openPage(
  browser: Browser,
  url: string,
  before?: string,
): Promise<{ page: Page; wrong: string[] }> {
  const context = await browser.newContext({ viewport: WIDTHS.wide });
  context.setDefaultTimeout(0);
  context.setDefaultNavigationTimeout(0);
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (line) => {
    if (line.type() === "error") wrong.push(line.text());
  });
  page.on("dialog", (dialog) => {
    wrong.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  if (before !== undefined) await page.addInitScript({ content: before });
  await page.goto(url);
  return { page, wrong };
}

/**
 * Looks at a page as it is, at both widths, in the dark and by day; each is kept as a picture.
 * @returns what axe finds wrong for who uses a keyboard or a screen reader, and where the page is wider than the screen
 */
export async function look(page: Page, name: string): Promise<readonly string[]> {
  const found: string[] = [];
  mkdirSync(PICTURES, { recursive: true });
  for (const [kind, size] of Object.entries(WIDTHS)) {
    await page.setViewportSize(size);
    for (const colorScheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme });
      await page.screenshot({ path: join(PICTURES, `${name}-${kind}-${colorScheme}.png`), fullPage: true, timeout: 0 });
      // As a debugger does, which the page's policy has no say in.
      await page.evaluate(axe.source);
      const { width, violations } = await page.evaluate(async () => {
        const own = globalThis as unknown as Inside;
        const { violations } = await own.axe.run();
        return { width: own.document.documentElement.scrollWidth, violations };
      });
      if (width > size.width) found.push(`${name}, ${kind}: ${width} wide`);
      const textOf = ({ id, nodes }: Result) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`;
      found.push(...violations.map((one) => `${name}, ${kind}, ${colorScheme}: ${textOf(one)}`));
    }
  }
  await page.setViewportSize(WIDTHS.wide);
  return found;
}
