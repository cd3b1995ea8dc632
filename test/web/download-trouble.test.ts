/** The download page in bad weather: nothing is lost, and what was begun is continued. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Page, Route } from "playwright-core";
import { heading, inBrowser, saveWith, visitors } from "../support/browser.ts";
import { call, createFactory, stateOf } from "../support/owner.ts";

const all = visitors();

const tryAgain = (page: Page) => page.getByRole("button", { name: "Try again" });

async function confirmByWord(page: Page): Promise<void> {
  await page.getByLabel("I cannot pick it here").check();
  await page.getByRole("button", { name: "I have the file" }).click();
}

async function done(page: Page): Promise<void> {
  await heading(page, "Done: your Factory is live");
  expect(await page.locator("#done-commands").textContent()).toMatch(/ROOTWARD_TOKEN=rw_/);
}

/** What the owner was told, and the log says, of others who tried. */
async function refusals(factory: string): Promise<readonly string[]> {
  const { url, adminToken } = all.server;
  const { body } = await call(`${url}/ota/factories/${factory}/log/`, { token: adminToken });
  return (body["events"] as readonly string[]).filter((event) =>
    event.includes("delivery-refused"),
  );
}

/** Makes the first request to a path fail, each in its way. */
const WEATHER: readonly (readonly [string, string, (route: Route) => Promise<void>, string])[] = [
  ["a claim that never arrives", "claim", (route) => route.abort(), "No answer from the service"],
  [
    "a claim whose answer is lost",
    "claim",
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    "No answer from the service",
  ],
  [
    "a service that is not ready",
    "claim",
    (route) => route.fulfill({ status: 503, json: { code: "unavailable", message: "try again" } }),
    "The service is not ready",
  ],
  [
    "a proxy's own words",
    "claim",
    (route) => route.fulfill({ status: 502, body: "<h1>Bad gateway</h1>" }),
    "The service is not ready",
  ],
  [
    "an answer of something else",
    "claim",
    (route) => route.fulfill({ json: { hello: "world" } }),
    "Something went wrong",
  ],
  [
    "a claim of another root version 1",
    "claim",
    async (route) => {
      const body = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...body, roots: { main: "0".repeat(64) } } });
    },
    "The archive is not as it should be",
  ],
  [
    "a claim whose file name is a command",
    "claim",
    async (route) => {
      const body = (await (await route.fetch()).json()) as object;
      await route.fulfill({ json: { ...body, filename: "a.tgz; reboot" } });
    },
    "Something went wrong",
  ],
  [
    "an archive without an end",
    "archive/**",
    async (route) => {
      const body = await (await route.fetch()).body();
      await route.fulfill({ body: Buffer.concat([body, Buffer.alloc(100_000)]) });
    },
    "The archive is not as it should be",
  ],
  [
    "an archive that does not come",
    "archive/**",
    (route) => route.abort(),
    "No answer from the service",
  ],
  [
    "an archive URL that has ended",
    "archive/**",
    (route) => route.fulfill({ status: 403, json: { code: "forbidden", message: "ended" } }),
    "The service is not ready",
  ],
  [
    "a damaged archive",
    "archive/**",
    async (route) => {
      const body = await (await route.fetch()).body();
      await route.fulfill({ body: Buffer.concat([body.subarray(0, -1), Buffer.of(0)]) });
    },
    "The archive is not as it should be",
  ],
];

inBrowser.each(WEATHER)("%s is tried again", async (name, path, weather, words) => {
  all.allowFailures();
  const { server, page } = all;
  const factory = `weather-${WEATHER.findIndex(([row]) => row === name)}`;
  const { link } = await createFactory(server, factory);
  await page.route(`**/download/${path}`, weather, { times: 1 });
  await page.goto(link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await heading(page, words);
  expect(await stateOf(server, factory)).toMatchObject({ state: "provisioned" });
  await saveWith(page, "Try again", server.folder);
  await confirmByWord(page);
  await done(page);
  expect(await refusals(factory)).toEqual([]);
});

inBrowser(
  "no network at the confirmation: the file can be saved again, and then confirmed",
  async () => {
    all.allowFailures();
    const { server, page } = all;
    const { link } = await createFactory(server, "offline");
    await page.goto(link);
    const saved = await saveWith(page, "Download the archive", server.folder);
    await page.context().setOffline(true);
    await confirmByWord(page);
    await heading(page, "No answer from the service");
    await page.getByText("to confirm twice is harmless").waitFor();
    await page.getByRole("button", { name: "Back to the saved file" }).click();
    const again = await saveWith(page, "Save again", server.folder);
    expect(readFileSync(again)).toEqual(readFileSync(saved));
    await page.getByRole("button", { name: "I have the file" }).click();
    await heading(page, "No answer from the service");
    expect(await stateOf(server, "offline")).toMatchObject({ state: "provisioned" });
    await page.context().setOffline(false);
    await tryAgain(page).click();
    await done(page);
  },
);

/** The service confirms, and nobody hears of it. */
async function loseConfirmation(page: Page): Promise<void> {
  all.allowFailures();
  await page.route(
    "**/download/confirm",
    async (route) => {
      await route.fetch();
      await route.abort();
    },
    { times: 1 },
  );
  await confirmByWord(page);
  await heading(page, "No answer from the service");
}

inBrowser("a confirmation whose answer is lost is tried again, and ends well", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "lost-answer");
  await page.goto(link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await loseConfirmation(page);
  expect(await stateOf(server, "lost-answer")).toMatchObject({ state: "live" });
  await tryAgain(page).click();
  await done(page);
});

inBrowser("a confirmation whose answer is lost ends well after a reload too", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "lost-reload");
  await page.goto(link);
  const saved = await saveWith(page, "Download the archive", server.folder);
  await loseConfirmation(page);
  await page.reload();
  await page.getByRole("button", { name: "Continue" }).click();
  await heading(page, "This link was used already");
  await page.getByRole("button", { name: "Pick the saved file" }).click();
  await page.getByLabel("Pick the saved file").setInputFiles(saved);
  await page.getByRole("button", { name: "I have the file" }).click();
  await done(page);
  expect(await refusals("lost-reload")).toEqual([]);
});

inBrowser("a reload in the middle is warned of, and continues the same claim", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "reloaded");
  const warnings: string[] = [];
  page.on("dialog", (dialog) => {
    warnings.push(dialog.type());
    void dialog.accept();
  });
  await page.goto(link);
  await page.reload();
  expect(warnings).toEqual([]);
  const first = await saveWith(page, "Download the archive", server.folder);
  await page.reload();
  expect(warnings).toEqual(["beforeunload"]);
  await heading(page, "Continue your download");
  const second = await saveWith(page, "Continue", server.folder);
  expect(readFileSync(second)).toEqual(readFileSync(first));
  await confirmByWord(page);
  await done(page);
  await page.reload();
  expect(warnings).toHaveLength(1);
  expect(await refusals("reloaded")).toEqual([]);
});

inBrowser("two tabs at once are one claimant, and either confirms", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "two-tabs");
  const [tab, idle] = [await page.context().newPage(), await page.context().newPage()];
  await Promise.all([page, tab, idle].map((one) => one.goto(link)));
  await Promise.all(
    [page, tab].map((one) => one.getByRole("button", { name: "Download the archive" }).click()),
  );
  await Promise.all([page, tab].map((one) => heading(one, "Check the saved file")));
  expect(await refusals("two-tabs")).toEqual([]);
  await confirmByWord(page);
  await done(page);
  await confirmByWord(tab);
  await done(tab);
  await idle.getByRole("button", { name: "Download the archive" }).click();
  await heading(idle, "You finished this download");
  expect(await refusals("two-tabs")).toEqual([]);
});

inBrowser("a browser that keeps nothing says so, and works until it is reloaded", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "keeps-nothing");
  await page.addInitScript({
    content: "indexedDB.open = () => { throw new DOMException('blocked', 'SecurityError'); }",
  });
  await page.goto(link);
  await page.getByText("does not let the page remember anything").waitFor();
  await page.getByRole("button", { name: "Download the archive" }).click();
  await confirmByWord(page);
  await done(page);
});
