/** The download page, which was bundled together with the function and lies beside it. */
import { readFileSync } from "node:fs";
import type { Page } from "../http/download.ts";

export function bundledPage(): Page {
  return JSON.parse(readFileSync(new URL("page.json", import.meta.url), "utf8")) as Page;
}
