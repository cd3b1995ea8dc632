/**
 * An owner with nothing but a browser: the page from one host, the archive from S3's, as the page's policy
 * and the bucket's rules for other origins allow it. Both have the names that they have in AWS.
 */
import { readFileSync } from "node:fs";
import { describe, expect } from "vitest";
import { archivedKeys } from "../../../lib/archive/keys.ts";
import { readArchive } from "../../../lib/archive/archive.ts";
import { heading, inBrowser, saveWith, visitorsOf } from "../../support/browser.ts";
import { listenWithTls } from "../../support/deployed/tls.ts";
import { createFactory, stateOf } from "../../support/owner.ts";
import type { Installation } from "./installation.ts";

export function tellInBrowser(one: Installation): void {
  describe("in a browser", () => {
    const all = visitorsOf(async () => {
      const front = await listenWithTls(one.aws.reroute);
      const { host } = new URL(front.endpoint);
      const [archives] = one.aws.cloud
        .of("AWS::S3::Bucket")
        .filter(({ name }) => name === "Archives");
      return {
        server: one,
        origins: [`${one.url}/`, `https://${archives?.ref}.s3.eu-west-1.amazonaws.com/archives/`],
        args: [`--host-resolver-rules=MAP * ${host}`],
        context: { ignoreHTTPSErrors: true },
        close: () => front.stop(),
      };
    });

    inBrowser("an owner downloads the archive from S3, checks it, and confirms", async () => {
      const { page } = all;
      const asked: string[] = [];
      page.on("request", (request) => asked.push(new URL(request.url()).host));
      const { link } = await createFactory(one, "seen");
      await page.goto(link);
      await heading(page, "Download it one time");
      const saved = await saveWith(page, "Download the archive", one.folder);
      const entries = await readArchive(new Uint8Array(readFileSync(saved)));
      expect(archivedKeys(entries)).toHaveLength(1);
      expect(asked.filter((host) => host.endsWith(".amazonaws.com"))).toHaveLength(1);
      await heading(page, "Check the saved file");
      await page.getByLabel("Pick the saved file").setInputFiles(saved);
      await page.getByText("complete and undamaged").waitFor();
      await page.getByRole("button", { name: "I have the file" }).click();
      await heading(page, "Done: your Factory is live");
      expect(await stateOf(one, "seen")).toMatchObject({ state: "live" });
    });
  });
}
