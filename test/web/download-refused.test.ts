/** The download page where the service refuses: what the owner is told, and the ways that stay open. */
import { readFileSync } from "node:fs";
import { expect } from "vitest";
import type { Page } from "playwright-core";
import { heading, inBrowser, saveWith, visitors } from "../support/browser.ts";
import {
  call,
  claim,
  createFactory,
  linkParts,
  newClaimant,
  readRoot,
  rebootstrap,
  stateOf,
} from "../support/owner.ts";

const all = visitors();
const HOUR = 60 * 60_000;

async function press(page: Page, link: string): Promise<void> {
  all.allowFailures();
  await page.goto(link);
  await page.getByRole("button", { name: /^(?:Download the archive|Continue)$/ }).click();
}

/** Bootstraps a Factory again. @returns the newer link */
async function replace(factory: string): Promise<string> {
  all.allowFailures();
  const { body } = await rebootstrap(all.server, factory);
  return (body["delivery"] as { url: string }).url;
}

inBrowser("a link that was used says when, here and in UTC, and what to do", async () => {
  const { server } = all;
  const page = await all.another({ timezoneId: "Asia/Kolkata" });
  const { link } = await createFactory(server, "used");
  expect(await claim(server.url, link, newClaimant())).toMatchObject({ status: 200 });
  await press(page, link);
  await heading(page, "This link was used already");
  await page.getByText(/your time \(Asia\/(?:Kolkata|Calcutta)\), .*\d\d:\d\d UTC/).waitFor();
  await page.getByRole("heading", { name: "If that was not you" }).waitFor();
  await page.getByText("Tell the person who provisioned the Factory at once").waitFor();
  expect(await page.getByRole("button").count()).toBe(0);
  expect(await page.title()).toMatch(/^This link was used already/);
});

inBrowser("a link that expired says whom to ask", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "expired");
  server.advance(8 * 24 * HOUR);
  await press(page, link);
  await heading(page, "This link has expired");
  await page.getByText("Ask the person who provisioned Factory expired").waitFor();
  expect(await page.getByRole("button").count()).toBe(0);
});

inBrowser("a Factory that was bootstrapped again sends the owner to the newer link", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "replaced");
  const newer = await replace("replaced");
  await press(page, link);
  await heading(page, "There is a newer link");
  expect(await page.getByRole("button").count()).toBe(0);
  // In the same window only the fragment changes.
  await page.goto(newer);
  await heading(page, "Download it one time");
});

inBrowser("a file whose Factory was bootstrapped again meanwhile is not confirmed", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "replaced-later");
  await press(page, link);
  await page.getByLabel("I cannot pick it here").check();
  await replace("replaced-later");
  await page.getByRole("button", { name: "I have the file" }).click();
  await heading(page, "There is a newer link");
  expect(await page.getByRole("button").count()).toBe(0);
});

inBrowser("after the lease an open page still confirms", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "late");
  await press(page, link);
  await page.getByLabel("I cannot pick it here").check();
  server.advance(2 * HOUR);
  await page.getByRole("button", { name: "I have the file" }).click();
  await heading(page, "Done: your Factory is live");
});

inBrowser("after the lease and a reload the saved file is enough", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "late-reload");
  await page.goto(link);
  const saved = await saveWith(page, "Download the archive", server.folder);
  const { link: otherLink } = await createFactory(server, "late-other");
  const elsewhere = await all.another();
  await elsewhere.goto(otherLink);
  const other = await saveWith(elsewhere, "Download the archive", server.folder);
  server.advance(2 * HOUR);
  await press(page, `${link.split("#")[0]}?again#${link.split("#")[1]}`);
  await heading(page, "The time to download has ended");
  await page.getByRole("button", { name: "Pick the saved file" }).click();
  const confirm = page.getByRole("button", { name: "I have the file" });
  const picked = page.getByLabel("Pick the saved file");
  await picked.setInputFiles({ name: "x.tgz", mimeType: "", buffer: Buffer.from("something") });
  await page.getByText("This file is not the archive").waitFor();
  expect(await confirm.isDisabled()).toBe(true);

  // The archive of another Factory is for the service to tell apart.
  await picked.setInputFiles(other);
  await confirm.click();
  await heading(page, "That is another file");
  expect(await stateOf(server, "late-reload")).toMatchObject({ state: "provisioned" });
  await page.getByRole("button", { name: "Pick the saved file" }).click();
  await picked.setInputFiles(saved);
  await page.getByText("complete and undamaged").waitFor();
  await confirm.click();
  await heading(page, "Done: your Factory is live");
  const { roles } = await readRoot(server, "late-reload", "tuf", "main");
  expect(await page.locator("#done-keys").textContent()).toBe(roles.root.keyids.join(""));
  expect(await page.locator("#done-commands").textContent()).toMatch(/rotate late-reload\.tgz$/);
});

inBrowser("after the lease an encrypted file is for the service to compare", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "late-sealed");
  await page.goto(link);
  const saved = await saveWith(page, "Download the archive", server.folder);
  server.advance(2 * HOUR);
  await page.reload();
  all.allowFailures();
  await page.getByRole("button", { name: "Continue" }).click();
  await page.getByRole("button", { name: "Pick the saved file" }).click();
  const [name, mimeType] = ["late-sealed.tgz.p7m", "application/pkcs7-mime"];
  const buffer = readFileSync(saved);
  await page.getByLabel("Pick the saved file").setInputFiles({ name, mimeType, buffer });
  await page.getByText("the service compares its SHA-256").waitFor();
  await page.getByRole("button", { name: "I have the file" }).click();
  await heading(page, "Done: your Factory is live");
  expect(await page.locator("#done-commands").textContent()).toContain(`keys open ${name} --key`);
});

inBrowser("after the lease another browser is sent back to the first", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "late-elsewhere");
  const { id } = linkParts(link);
  await call(`${server.url}/download/claim`, { body: { id, claimant: newClaimant() } });
  await page.route("**/download/claim", (route) =>
    route.fulfill({
      status: 410,
      json: { code: "delivery-expired", message: "ended", leaseEndedAt: "2026-11-23T10:00:00Z" },
    }),
  );
  await press(page, link);
  await heading(page, "The time to download has ended");
  await page.getByText("open this link in the browser in which you began").waitFor();
  expect(await page.getByRole("button").count()).toBe(0);
});

inBrowser("half a link, an unknown one and none are told apart", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "half");
  await page.goto(link.slice(0, -4));
  await heading(page, "This link is not complete");
  await page.goto(link.split("#")[0] ?? "");
  await heading(page, "This page needs your link");
  await press(page, `${server.url}/download#${"A".repeat(43)}`);
  await heading(page, "The service does not know this link");
  expect(await stateOf(server, "half")).toMatchObject({ delivery: { state: "ready" } });
});
