/**
 * The download page in a real browser: the whole flow, a link that was used, and a visitor who
 * presses nothing. Needs Chromium (Debian's package `chromium`, or CHROMIUM); where there is none it
 * says so, and with REQUIRE_BROWSER=1, as in CI, it fails.
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { chromium, type Browser, type BrowserContext, type Page } from "playwright-core";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { readArchive } from "../../lib/archive/archive.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import { call, claim, createFactory, newClaimant } from "../support/owner.ts";

const BINARY = process.env["CHROMIUM"] ?? "/usr/bin/chromium";
const present = existsSync(BINARY);
const required = process.env["REQUIRE_BROWSER"] === "1";
const inBrowser = present || required ? test : test.skip;
if (!present) process.stderr.write(`the download page was not tested: no browser at ${BINARY}\n`);

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

let server: TestServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
const complaints: string[] = [];

beforeAll(async () => {
  server = await startServer();
  if (present || required) browser = await chromium.launch({ executablePath: BINARY, args: ARGS });
});
afterAll(async () => {
  if (present || required) await browser.close();
  await server.remove();
});
beforeEach(async () => {
  if (!present && !required) return;
  complaints.length = 0;
  context = await browser.newContext({ acceptDownloads: true });
  page = await context.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => {
    if (!/^(?:blob:)?http:\/\/127\.0\.0\.1:/.test(request.url())) complaints.push(request.url());
  });
});
afterEach(async () => {
  if (present || required) await context.close();
});

async function picture(name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  mkdirSync(SCREENSHOTS, { recursive: true });
  await page.screenshot({ path: join(SCREENSHOTS, `${name}.png`), fullPage: true });
}

async function stateOf(factory: string): Promise<Record<string, unknown>> {
  const { body } = await call(`${server.url}/ota/factories/${factory}/`, {
    token: server.adminToken,
  });
  return body;
}

inBrowser("an owner downloads, checks the saved file and confirms", async () => {
  const { link } = await createFactory(server, "acme");
  await page.goto(link);
  await page.getByRole("heading", { name: "Download it one time" }).waitFor();
  await picture("1-ready");
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the archive" }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe("acme.tgz");
  const saved = join(server.folder, "acme.tgz");
  await download.saveAs(saved);
  const keys = archivedKeys(await readArchive(readFileSync(saved)));
  expect(keys).toHaveLength(1);

  const confirmButton = page.getByRole("button", { name: "I have it" });
  expect(await confirmButton.isDisabled()).toBe(true);
  expect(await stateOf("acme")).toMatchObject({ state: "provisioned" });
  await page.getByLabel("Pick the saved file").setInputFiles({
    name: "other.tgz",
    mimeType: "application/gzip",
    buffer: Buffer.from("something else"),
  });
  await page.getByText("This file is not the archive").waitFor();
  expect(await confirmButton.isDisabled()).toBe(true);
  await page.getByLabel("Pick the saved file").setInputFiles(saved);
  await page.getByText("complete and undamaged").waitFor();
  await picture("2-saved");
  await confirmButton.click();
  await page.getByRole("heading", { name: "Done: your Factory is live" }).waitFor();
  await picture("3-done");
  expect(await page.locator("#done-commands").textContent()).toMatch(/ROOTWARD_TOKEN=rw_/);
  expect(await stateOf("acme")).toMatchObject({ state: "live" });
  expect(complaints).toEqual([]);
});

inBrowser("a reload in the middle continues the same claim", async () => {
  const { link } = await createFactory(server, "reloaded");
  await page.goto(link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await page.getByRole("heading", { name: "Check the saved file" }).waitFor();
  await page.reload();
  const downloading = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download the archive" }).click();
  expect((await downloading).suggestedFilename()).toBe("reloaded.tgz");
  await page.getByLabel("I cannot pick it here").check();
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("heading", { name: "Done: your Factory is live" }).waitFor();
  expect(complaints).toEqual([]);
});

inBrowser("a confirmation whose answer is lost is tried again, and ends well", async () => {
  const { link } = await createFactory(server, "lost-answer");
  await page.goto(link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await page.getByLabel("I cannot pick it here").check();
  await page.route("**/download/confirm", async (route) => {
    await route.fetch();
    await route.abort();
  });
  await page.getByRole("button", { name: "I have it" }).click();
  await page.getByRole("heading", { name: "That did not work" }).waitFor();
  expect(await stateOf("lost-answer")).toMatchObject({ state: "live" });
  await page.unroute("**/download/confirm");
  await page.getByRole("button", { name: "Try again" }).click();
  await page.getByRole("heading", { name: "Done: your Factory is live" }).waitFor();
  expect(await page.locator("#done-commands").textContent()).toMatch(/ROOTWARD_TOKEN=rw_/);
});

inBrowser("a link that was used says so, and what to do", async () => {
  const { link } = await createFactory(server, "used");
  expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 200 });
  await page.goto(link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await page.getByText("this link was used at").waitFor();
  await picture("4-used");
  expect(await page.getByRole("alert").textContent()).toContain("tell whoever provisioned");
});

inBrowser("a visitor who presses nothing uses up nothing, and half a link says so", async () => {
  const { link } = await createFactory(server, "scanned");
  await page.goto(link);
  await page.getByRole("heading", { name: "Download it one time" }).waitFor();
  expect(await stateOf("scanned")).toMatchObject({ delivery: { state: "ready" } });
  await page.goto("about:blank");
  await page.goto(link.slice(0, -4));
  await page.getByText("This link is not complete").waitFor();
  await picture("5-half");
  expect(await page.getByRole("button", { name: "Try again" }).isVisible()).toBe(false);
});
