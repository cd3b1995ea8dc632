/**
 * The download page in a real browser, for the tests of one file or block: a server, Chromium (Debian's package
 * `chromium`, or CHROMIUM), and for each test a context of its own. Where there is no browser the
 * tests say that they did not run, and with REQUIRE_BROWSER=1, as in CI, they fail.
 *
 * A test fails with any error on the console, any violation of the page's policy and any request to
 * another origin. Answers that a test wants to fail are announced with `allow`.
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import {
  chromium,
  type Browser,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from "playwright-core";
import { startServer, type TestServer } from "./embedded.ts";

const BINARY = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const runs = existsSync(BINARY) || process.env["REQUIRE_BROWSER"] === "1";
if (!runs) process.stderr.write(`the download page was not tested: no browser at ${BINARY}\n`);

/** A test that needs the browser. */
export const inBrowser = runs ? test : test.skip;

const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];
/** Where pictures of the page go, for people to look at; none are taken without it. */
const SCREENSHOTS = process.env["SCREENSHOTS"];

/** What a browser says of an answer that is no success. */
const FAILED = /^Failed to load resource/;

const TELL_VIOLATIONS = `addEventListener("securitypolicyviolation", (event) =>
  console.error("policy: " + event.violatedDirective + " " + event.blockedURI));`;

/** Where the page is. */
export interface Place<S> {
  readonly server: S;
  /** Starts of the URLs that the page may ask. */
  readonly origins: readonly string[];
  /** What else Chromium is started with. */
  readonly args?: readonly string[];
  readonly context?: BrowserContextOptions;
  close(): Promise<void>;
}

export class Visitors<S> {
  readonly #open: () => Promise<Place<S>>;
  #place: Place<S> | null = null;
  #browser: Browser | null = null;
  #contexts: BrowserContext[] = [];
  #page: Page | null = null;
  #complaints: string[] = [];
  #allowed: readonly RegExp[] = [];

  constructor(open: () => Promise<Place<S>>) {
    this.#open = open;
  }

  get server(): S {
    return (this.#place ?? missing("server")).server;
  }

  /** The page of this test. */
  get page(): Page {
    return this.#page ?? missing("page");
  }

  /** From here on, answers that are no success belong to the test. */
  allowFailures(...others: readonly RegExp[]): void {
    this.#allowed = [FAILED, ...others];
  }

  /** A page in a context of its own: another browser, as far as the page can tell. */
  async another(options: BrowserContextOptions = {}): Promise<Page> {
    const browser = this.#browser ?? missing("browser");
    const { origins, context: own } = this.#place ?? missing("server");
    const context = await browser.newContext({ acceptDownloads: true, ...own, ...options });
    this.#contexts.push(context);
    await context.addInitScript({ content: TELL_VIOLATIONS });
    context.on("console", (message) => {
      if (message.type() === "error") this.#complaints.push(message.text());
    });
    context.on("weberror", (error) => this.#complaints.push(error.error().message));
    context.on("request", (request) => {
      const url = request.url();
      const known = ["data:", "blob:", ...origins].some((start) => url.startsWith(start));
      if (!known) this.#complaints.push(`request to ${url}`);
    });
    return context.newPage();
  }

  async openBrowser(): Promise<void> {
    this.#place = await this.#open();
    const args = [...ARGS, ...(this.#place.args ?? [])];
    this.#browser = await chromium.launch({ executablePath: BINARY, args });
  }

  async closeBrowser(): Promise<void> {
    await this.#browser?.close();
    await this.#place?.close();
  }

  async openPage(): Promise<void> {
    this.#complaints = [];
    this.#allowed = [];
    this.#page = await this.another();
  }

  async closePages(): Promise<void> {
    for (const context of this.#contexts) await context.close();
    this.#contexts = [];
    const left = this.#complaints.filter((text) => !this.#allowed.some((one) => one.test(text)));
    expect(left).toEqual([]);
  }
}

function missing(what: string): never {
  throw new Error(`there is no ${what} before the first test`);
}

/** An embedded server, the browser and a page for the tests of one file. */
export function visitors(): Visitors<TestServer> {
  return visitorsOf(async () => {
    const server = await startServer();
    return { server, origins: [`${server.url}/`], close: () => server.remove() };
  });
}

/** The same where the page is elsewhere. */
export function visitorsOf<S>(open: () => Promise<Place<S>>): Visitors<S> {
  const all = new Visitors(open);
  if (!runs) return all;
  beforeAll(() => all.openBrowser());
  afterAll(() => all.closeBrowser());
  beforeEach(() => all.openPage());
  afterEach(() => all.closePages());
  return all;
}

export async function picture(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

/** Presses a button that saves the file. @returns where it was saved */
export async function saveWith(page: Page, button: string, folder: string): Promise<string> {
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: button }).click();
  const download = await downloading;
  const file = join(folder, download.suggestedFilename());
  await download.saveAs(file);
  return file;
}

export async function heading(page: Page, name: string): Promise<void> {
  await page.getByRole("heading", { level: 2, name }).waitFor();
}
