/** Commands that people are told to run: every foreign word has a strict form, or there is no command. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import {
  command,
  factoryWord,
  pathWord,
  serviceUrl,
  sha256Word,
  tokenWord,
  urlWord,
} from "../../lib/text/command.ts";
import { HOSTILE, notAllowed } from "../support/hostile-text.ts";

/** Every one of them, but for those that are a path. */
const STRICT = { factoryWord, sha256Word, tokenWord, urlWord };

describe.each(Object.entries(STRICT))("%s takes", (_, word) => {
  test.each(HOSTILE)("no text with %s", (_what, text) => {
    expect(word(text)).toBeNull();
    expect(command`rootward ${word(text)}`).toBeNull();
  });
});

test("a path means itself to a shell", () => {
  for (const path of ["/a b/$(id)/it's `x`;*", "--accept-log", "-o", "~/x", "é.tgz", "a\\b"]) {
    const text = String(command`printf %s ${pathWord(path)}`);
    const said = execFileSync("/bin/sh", ["-c", text], { encoding: "utf8" });
    expect(said).toBe(path.startsWith("-") ? `./${path}` : path);
  }
  for (const [, text] of HOSTILE) {
    const word = pathWord(text);
    if (word !== null) expect(notAllowed(word.text)).toEqual([]);
  }
});

test("the address of a service is written from its parts", () => {
  const rows: readonly (readonly [string, string | null])[] = [
    ["https://Rootward.Example:443/", "https://rootward.example"],
    ["http://127.0.0.1:8787", "http://127.0.0.1:8787"],
    ["https://host/a/b/", "https://host/a/b"],
    ["https://bücher.example", "https://xn--bcher-kva.example"],
    ["https://user:secret@host", null],
    ["https://host/?a", null],
    ["https://host/?", null],
    ["https://host/#a", null],
    ["javascript:alert(1)", null],
    ["ftp://host", null],
    ["host", null],
  ];
  for (const [text, url] of rows) expect(serviceUrl(text)).toBe(url);
  expect(serviceUrl("https://host/$(id)")).toBe("https://host/$(id)");
  expect(String(command`X=${urlWord("https://host/$(id)")}`)).toBe("X='https://host/$(id)'");
});
