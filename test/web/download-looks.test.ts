/**
 * How each section of the page looks and reads: no finding of axe in light and dark, nothing to
 * scroll sideways on a phone of 320 pixels, and pictures for people (SCREENSHOTS).
 */
import { expect } from "vitest";
import { source as AXE } from "axe-core";
import type { Page } from "playwright-core";
import { heading, inBrowser, picture, saveWith, visitors } from "../support/browser.ts";
import { makeCertificate, rsaKey } from "../support/certificate.ts";
import { claim, createFactory, newClaimant } from "../support/owner.ts";

const all = visitors();

const DESKTOP = { width: 1100, height: 800 };
const PHONE = { width: 320, height: 640 };

/** Looks at what the page shows now. */
async function look(page: Page, name: string): Promise<void> {
  for (const colorScheme of ["dark", "light"] as const) {
    await page.emulateMedia({ colorScheme });
    for (const [device, size] of [
      ["desktop", DESKTOP],
      ["phone", PHONE],
    ] as const) {
      await page.setViewportSize(size);
      await picture(page, `${name}-${device}-${colorScheme}`);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(size.width);
    }
    expect(await findings(page)).toEqual([]);
  }
  await page.setViewportSize(DESKTOP);
  await page.emulateMedia({ forcedColors: "active" });
  await picture(page, `${name}-forced-colors`);
  await page.emulateMedia({ forcedColors: "none" });
}

interface AxeResult {
  readonly violations: readonly { id: string; nodes: readonly { html: string }[] }[];
}

/** The page's policy lets no other script in, so axe is run from outside. */
async function findings(page: Page): Promise<readonly string[]> {
  await page.evaluate(AXE);
  const { violations } = await page.evaluate<AxeResult>("axe.run()");
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

inBrowser("from the link to the confirmation", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "looks", { dialect: "ats", keyType: "rsa" });
  await page.goto(link);
  await heading(page, "Download it one time");
  await look(page, "1-ready");
  let hold = Promise.withResolvers<void>();
  await page.route("**/download/archive/**", async (route) => {
    await hold.promise;
    await route.continue();
  });
  const saving = saveWith(page, "Download the archive", server.folder);
  await page.getByText("Fetching the sealed archive").waitFor();
  await look(page, "2-downloading");
  hold.resolve();
  const saved = await saving;
  await look(page, "3-check");
  await page.getByLabel("Pick the saved file").setInputFiles({
    name: "other.tgz",
    mimeType: "application/gzip",
    buffer: Buffer.from("other"),
  });
  await page.getByText("This file is not the archive").waitFor();
  await look(page, "4-wrong-file");
  await page.getByLabel("Pick the saved file").setInputFiles(saved);
  await page.getByText("complete and undamaged").waitFor();
  await look(page, "5-right-file");
  hold = Promise.withResolvers<void>();
  await page.route("**/download/confirm", async (route) => {
    await hold.promise;
    await route.continue();
  });
  await page.getByRole("button", { name: "I have the file" }).click();
  await page.getByText("Confirming:").waitFor();
  await look(page, "6-confirming");
  hold.resolve();
  await heading(page, "Done: your Factory is live");
  await page.getByRole("button", { name: "Copy the commands" }).click();
  await look(page, "7-done");
  await page.goto(link);
  await heading(page, "You finished this download");
  await look(page, "8-finished");
});

inBrowser("an archive that is encrypted to a certificate, continued after a reload", async () => {
  const { server, page } = all;
  const { pem } = makeCertificate(rsaKey(2048));
  const { link } = await createFactory(server, "looks-sealed", { recipientCertificate: pem });
  await page.goto(link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await heading(page, "Check the saved file");
  await page.reload();
  await heading(page, "Continue your download");
  await look(page, "9-continue");
  await page.getByRole("button", { name: "Continue" }).click();
  await heading(page, "Check the saved file");
  await look(page, "10-check-encrypted");
  await page.getByLabel("I cannot pick it here").check();
  await page.getByRole("button", { name: "I have the file" }).click();
  await heading(page, "Done: your Factory is live");
  await look(page, "11-done-encrypted");
});

inBrowser("what is said where it cannot go on", async () => {
  all.allowFailures();
  const { server, page } = all;
  const { link } = await createFactory(server, "looks-used");
  await page.goto(link.slice(0, -4));
  await heading(page, "This link is not complete");
  await look(page, "12-half-link");
  await page.goto(link);
  await heading(page, "Download it one time");
  await page.route("**/download/claim", (route) => route.abort());
  await page.getByRole("button", { name: "Download the archive" }).click();
  await heading(page, "No answer from the service");
  await look(page, "13-no-network");
  await page.unroute("**/download/claim");
  await claim(server.url, link, newClaimant());
  await page.getByRole("button", { name: "Try again" }).click();
  await heading(page, "This link was used already");
  await look(page, "14-used");
  await page.reload();
  await page.getByRole("button", { name: "Continue" }).click();
  await heading(page, "This link was used already");
  await look(page, "15-used-began");
});

inBrowser("what is said after a time has run out", async () => {
  all.allowFailures();
  const { server, page } = all;
  const { link } = await createFactory(server, "looks-lease");
  await page.goto(link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await heading(page, "Check the saved file");
  server.advance(61 * 60_000);
  await page.reload();
  await page.getByRole("button", { name: "Continue" }).click();
  await heading(page, "The time to download has ended");
  await look(page, "16-lease-ended");
  await page.getByRole("button", { name: "Pick the saved file" }).click();
  await look(page, "17-pick-after-lease");
  const next = await createFactory(server, "looks-expired");
  server.advance(8 * 86_400_000);
  await page.goto(next.link);
  await page.getByRole("button", { name: "Download the archive" }).click();
  await heading(page, "This link has expired");
  await look(page, "18-expired");
});

inBrowser("a browser that lacks something, and one that runs no scripts", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "looks-lacking");
  await page.addInitScript({ content: "delete globalThis.DecompressionStream" });
  await page.goto(link);
  await heading(page, "This browser cannot open the archive");
  await look(page, "19-lacking");
  const still = await all.another({ javaScriptEnabled: false });
  await still.goto(link);
  await picture(still, "20-no-script");
  await heading(still, "This page needs JavaScript");
});
