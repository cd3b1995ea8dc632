/** Names that a request chose write no lines and no headers into a mail. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Outbox } from "../../lib/adapters/embedded/outbox.ts";
import { messageText } from "../../lib/service/messages/mail.ts";
import type { Message } from "../../lib/service/ports.ts";
import { HOSTILE, notAllowed } from "../support/hostile-text.ts";

function minted(text: string): Message {
  const details = { by: text, user: text, id: text };
  const event = { seq: 1, id: "0".repeat(32), time: 0, type: "token-minted", actor: text, details };
  return { factory: "acme", reader: "owner", email: text, event } as unknown as Message;
}

describe("a mail about a name with", () => {
  test.each(HOSTILE)("%s", async (_, text) => {
    const plain = messageText(minted("x"))?.body.split("\n").length;
    const body = messageText(minted(text))?.body ?? "";
    expect(notAllowed(body)).toEqual([]);
    expect(body.split("\n")).toHaveLength(plain ?? 0);
    const folder = mkdtempSync(join(tmpdir(), "rootward-outbox-"));
    await new Outbox(folder).notify(minted(text));
    const [file = ""] = readdirSync(folder);
    const mail = readFileSync(join(folder, file), "utf8");
    rmSync(folder, { recursive: true });
    expect(notAllowed(mail.replaceAll("\r\n", "\n"))).toEqual([]);
    const [head = ""] = mail.split("\r\n\r\n");
    expect(head.split("\r\n").map((header) => header.split(":")[0])).toEqual([
      "From",
      "To",
      "Subject",
      "Date",
      "Message-ID",
      "MIME-Version",
      "Content-Type",
      "Content-Transfer-Encoding",
    ]);
  });
});
