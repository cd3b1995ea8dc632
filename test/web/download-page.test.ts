/** The download page in a real browser: the whole way of an owner, and whoever presses nothing. */
import { mkdtempSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Page } from "playwright-core";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { readArchive } from "../../lib/archive/archive.ts";
import { openEnvelope } from "../../lib/crypto/envelope.ts";
import { readRecipientCertificate } from "../../lib/crypto/recipient.ts";
import { sha256 } from "../../lib/tuf/bytes.ts";
import { heading, inBrowser, saveWith, visitors } from "../support/browser.ts";
import { makeCertificate, rsaKey } from "../support/certificate.ts";
import { createFactory, readRoot, stateOf } from "../support/owner.ts";

const all = visitors();

const OTHER = { name: "other.tgz", mimeType: "application/gzip", buffer: Buffer.from("other") };

function parts(page: Page) {
  return {
    pick: page.getByLabel("Pick the saved file"),
    word: page.getByLabel("I cannot pick it here"),
    confirm: page.getByRole("button", { name: "I have the file" }),
    result: page.locator("#picked-result"),
  };
}

inBrowser("an owner downloads, checks the saved file and confirms", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "acme");
  await page.goto(link);
  await heading(page, "Download it one time");
  const saved = await saveWith(page, "Download the archive", server.folder);
  const bytes = new Uint8Array(readFileSync(saved));
  expect(archivedKeys(await readArchive(bytes))).toHaveLength(1);

  await heading(page, "Check the saved file");
  const { pick, confirm } = parts(page);
  expect(await confirm.isDisabled()).toBe(true);
  expect(await stateOf(server, "acme")).toMatchObject({ state: "provisioned" });
  const renamed = join(server.folder, "acme (1).tgz");
  renameSync(await saveWith(page, "Save again", server.folder), renamed);
  await pick.setInputFiles(renamed);
  await page.getByText("complete and undamaged").waitFor();
  await confirm.click();

  await heading(page, "Done: your Factory is live");
  expect(await stateOf(server, "acme")).toMatchObject({ state: "live" });
  const { roles } = await readRoot(server, "acme", "tuf", "main");
  expect(roles.root.keyids).toHaveLength(1);
  for (const keyid of roles.root.keyids) await page.getByText(keyid).waitFor();
  expect(await page.locator("#done-sha256").textContent()).toBe(sha256(bytes));
  const commands = await page.locator("#done-commands").textContent();
  expect(commands).toMatch(/^export ROOTWARD_SERVER=http:\S+\nexport ROOTWARD_TOKEN=rw_\S+\n/);
  expect(commands).toMatch(/\nrootward keys rotate 'acme \(1\)\.tgz'$/);
  const copy = await saveWith(page, "Save another copy", server.folder);
  expect(new Uint8Array(readFileSync(copy))).toEqual(bytes);
});

inBrowser(
  "the commands are copied, or selected where the browser does not let the page",
  async () => {
    const { server, page } = all;
    const { link } = await createFactory(server, "copied");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(link);
    await page.getByRole("button", { name: "Download the archive" }).click();
    await parts(page).word.check();
    await parts(page).confirm.click();
    await page.getByRole("button", { name: "Copy the commands" }).click();
    await page.getByRole("status").getByText("Copied.").waitFor();
    const commands = await page.locator("#done-commands").textContent();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(commands);
    await page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error())");
    await page.getByRole("button", { name: "Copy the commands" }).click();
    await page.getByText("Selected:").waitFor();
    expect(await page.evaluate("String(getSelection())")).toBe(commands);
  },
);

inBrowser(
  "a wrong file shuts the way, whatever was ticked before, and the last act counts",
  async () => {
    const { server, page } = all;
    const { link } = await createFactory(server, "wrong-file");
    await page.goto(link);
    const saved = await saveWith(page, "Download the archive", server.folder);
    const { pick, word, confirm, result } = parts(page);
    await word.check();
    expect(await confirm.isEnabled()).toBe(true);
    await pick.setInputFiles(OTHER);
    await page.getByText("This file is not the archive").waitFor();
    expect(await confirm.isDisabled()).toBe(true);
    expect(await word.isChecked()).toBe(false);
    // Of the same size, which says nothing.
    const buffer = readFileSync(saved);
    await pick.setInputFiles({
      ...OTHER,
      buffer: Buffer.concat([buffer.subarray(0, -1), Buffer.of(255)]),
    });
    await page.getByText("This file is not the archive").waitFor();
    expect(await confirm.isDisabled()).toBe(true);
    await word.check();
    expect(await confirm.isEnabled()).toBe(true);
    expect(await result.textContent()).toBe("");
    await word.uncheck();
    expect(await confirm.isDisabled()).toBe(true);
    await pick.setInputFiles(saved);
    await page.getByText("complete and undamaged").waitFor();
    await pick.setInputFiles([]);
    expect(await confirm.isDisabled()).toBe(true);
    expect(await stateOf(server, "wrong-file")).toMatchObject({ state: "provisioned" });
  },
);

inBrowser(
  "a command holds the name of the file in a strict form, or the name that it was delivered with",
  async () => {
    const { server } = all;
    const folder = mkdtempSync(join(server.folder, "names-"));
    for (const [factory, name, next, words] of [
      ["quoted", "-$(id) `id` '~.tgz", "folder of the file", "'./-$(id) `id` '\\''~.tgz'"],
      ["broken", "a\nrm -rf ~.tgz", "Rename it to broken.tgz", "broken.tgz"],
      ["turned", "\u202Ezgt.a", "Rename it to turned.tgz", "turned.tgz"],
    ] as const) {
      const page = await all.another();
      const { link } = await createFactory(server, factory);
      await page.goto(link);
      const file = join(folder, name);
      renameSync(await saveWith(page, "Download the archive", server.folder), file);
      await parts(page).pick.setInputFiles(file);
      await page.getByText("complete and undamaged").waitFor();
      await parts(page).confirm.click();
      await heading(page, "Done: your Factory is live");
      expect(await page.locator("#done-next").textContent()).toContain(next);
      const commands = (await page.locator("#done-commands").textContent())?.split("\n") ?? [];
      expect(commands.slice(2)).toEqual([`rootward keys rotate ${words}`]);
    }
  },
);

inBrowser("the keyboard alone is enough", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "keyboard");
  const tabTo = async (name: string): Promise<void> => {
    const wanted = page
      .getByRole("button", { name })
      .or(page.locator("input[type=file]").and(page.getByLabel(name)));
    for (let presses = 0; presses < 20; presses += 1) {
      if ((await page.locator(":focus").and(wanted).count()) === 1) return;
      await page.keyboard.press("Tab");
    }
    throw new Error(`no way to ${name}`);
  };
  // Whoever listens only when the key is pressed may be too late to see the dialog.
  page.on("filechooser", () => undefined);
  await page.goto(link);
  await heading(page, "Download it one time");
  await tabTo("Download the archive");
  const downloading = page.waitForEvent("download");
  await page.keyboard.press("Enter");
  const saved = join(server.folder, "keyboard.tgz");
  await (await downloading).saveAs(saved);
  await heading(page, "Check the saved file");
  expect(await page.evaluate("document.activeElement.textContent")).toBe("Check the saved file");
  expect(await page.title()).toMatch(/^Check the saved file/);
  await tabTo("Pick the saved file");
  const choosing = page.waitForEvent("filechooser");
  await page.keyboard.press("Enter");
  await (await choosing).setFiles(saved);
  await page.getByText("complete and undamaged").waitFor();
  await tabTo("I have the file");
  await page.keyboard.press("Enter");
  await heading(page, "Done: your Factory is live");
  expect(await page.title()).toMatch(/^Done/);
  await tabTo("Copy the commands");
});

inBrowser("a visitor who presses nothing uses up nothing", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "scanned");
  const posts: string[] = [];
  page.on("request", (request) => {
    if (request.method() !== "GET") posts.push(request.url());
  });
  await page.goto(link);
  await heading(page, "Download it one time");
  for (let at = 0; at < 20; at += 1) {
    await page.mouse.move(40 * at, 30 * at);
    await page.mouse.wheel(0, 20);
    await page.keyboard.press("Tab");
  }
  await page.getByRole("button", { name: "Download the archive" }).hover();
  await page.evaluate(`for (const rel of ["prefetch", "preload"]) {
    const hint = document.createElement("link");
    Object.assign(hint, { rel, href: "/download/page.css", as: "style" });
    document.head.append(hint);
  }
  fetch(location.href).then((response) => response.text())`);
  await page.reload();
  await heading(page, "Download it one time");
  expect(posts).toEqual([]);
  expect(await stateOf(server, "scanned")).toMatchObject({ delivery: { state: "ready" } });
});

inBrowser("without JavaScript the page says so, and what else to do", async () => {
  const { server } = all;
  const page = await all.another({ javaScriptEnabled: false });
  const { link } = await createFactory(server, "no-script");
  await page.goto(link);
  await heading(page, "This page needs JavaScript");
  expect(await page.locator("noscript code").isVisible()).toBe(true);
  expect(await page.getByRole("heading", { level: 2 }).count()).toBe(1);
});

const LACKS: readonly (readonly [string, string, string])[] = [
  [
    "WebCrypto",
    "Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined })",
    "WebCrypto, which opens",
  ],
  ["DecompressionStream", "delete globalThis.DecompressionStream", "DecompressionStream and"],
  [
    "a secure address",
    "Object.defineProperty(globalThis, 'isSecureContext', { value: false })",
    "must begin with https",
  ],
  [
    "HKDF",
    "SubtleCrypto.prototype.deriveKey = () => Promise.reject(new Error('not supported'))",
    "could not open a sample",
  ],
  ["string checks of 2023", "delete String.prototype.isWellFormed", "could not open a sample"],
];

inBrowser.each(LACKS)("a browser without %s claims nothing", async (name, remove, words) => {
  const { server, page } = all;
  const factory = `lacks-${LACKS.findIndex(([row]) => row === name)}`;
  const { link } = await createFactory(server, factory);
  await page.addInitScript({ content: remove });
  await page.goto(link);
  await heading(page, "This browser cannot open the archive");
  await page.getByText(words).waitFor();
  await page.getByText("rootward keys download -").last().waitFor();
  expect(await page.getByRole("button").count()).toBe(0);
  expect(await stateOf(server, factory)).toMatchObject({ delivery: { state: "ready" } });
});

inBrowser(
  "an archive encrypted to a certificate is compared, not opened, and the commands open it",
  async () => {
    const { server, page } = all;
    const { pem, privateKey } = makeCertificate(rsaKey(2048));
    const { link } = await createFactory(server, "sealed-to", { recipientCertificate: pem });
    const recipient = readRecipientCertificate(pem, Date.now()).fingerprint;
    await page.goto(link);
    const saved = await saveWith(page, "Download the archive", server.folder);
    expect(saved).toMatch(/sealed-to\.tgz\.p7m$/);
    await page.getByText(recipient).waitFor();
    await page.getByText("rootward keys open sealed-to.tgz.p7m --key PRIVATE-KEY.pem").waitFor();
    await page.getByText("openssl cms -decrypt -inform DER -in sealed-to.tgz.p7m").waitFor();
    await parts(page).pick.setInputFiles(saved);
    await page.getByText("complete and undamaged").waitFor();
    await parts(page).confirm.click();
    await heading(page, "Done: your Factory is live");
    const archive = await readArchive(openEnvelope(readFileSync(saved), privateKey));
    expect(archivedKeys(archive)).toHaveLength(1);
    expect(await page.locator("#done-commands").textContent()).toMatch(
      /\nrootward keys open sealed-to\.tgz\.p7m --key PRIVATE-KEY\.pem\nrootward keys rotate sealed-to\.tgz$/,
    );
  },
);

inBrowser(
  "after the confirmation the address holds no secret, and the link says that it is done",
  async () => {
    const { server, page } = all;
    const { link } = await createFactory(server, "finished");
    await page.goto(link);
    await page.getByRole("button", { name: "Download the archive" }).click();
    await parts(page).word.check();
    expect(page.url()).toBe(link);
    await parts(page).confirm.click();
    await heading(page, "Done: your Factory is live");
    expect(page.url()).toBe(link.split("#")[0]);
    await page.reload();
    await heading(page, "This page needs your link");
    await page.goto(link);
    await heading(page, "You finished this download");
    expect(await page.getByRole("button").count()).toBe(0);
  },
);

inBrowser("the window that opened the page has no hold of it", async () => {
  const { server, page } = all;
  const { link } = await createFactory(server, "opened");
  all.allowFailures();
  await page.goto(`${server.url}/healthz`);
  const opening = page.waitForEvent("popup");
  await page.evaluate(`globalThis.opened = open(${JSON.stringify(link)}), 0`);
  const opened = await opening;
  await heading(opened, "Download it one time");
  expect(await opened.evaluate("opener === null")).toBe(true);
  expect(await page.evaluate("globalThis.opened.closed")).toBe(true);
});

inBrowser("the page's own policy lets nothing in or out", async () => {
  const { server } = all;
  const response = await fetch(`${server.url}/download`);
  const policy = response.headers.get("content-security-policy") ?? "";
  for (const part of ["default-src 'none'", "frame-ancestors 'none'", "trusted-types 'none'"]) {
    expect(policy).toContain(part);
  }
  expect(policy).not.toContain("unsafe");
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  });
});
