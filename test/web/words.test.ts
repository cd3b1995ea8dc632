/** The page's words and rules without a browser: moments, commands, when to confirm, what to do. */
import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import * as fc from "fast-check";
import { RootwardError, type ErrorCode } from "../../lib/error.ts";
import { nextCommands, openCommands } from "../../lib/web/commands.ts";
import { afterAct, mayConfirm, UNCHECKED, type Act } from "../../lib/web/file-check.ts";
import { moment } from "../../lib/web/moment.ts";
import { noticeFor, type Notice, type Step } from "../../lib/web/notices.ts";
import { HOSTILE, notAllowed } from "../support/hostile-text.ts";

describe("a moment is told in the reader's time and in UTC:", () => {
  test.each([
    ["UTC", "23 November 2026 at 23:30 UTC"],
    ["America/New_York", "23 November 2026 at 18:30 your time (America/New_York), 23:30 UTC"],
    [
      "Europe/Berlin",
      "24 November 2026 at 00:30 your time (Europe/Berlin), 23 November 2026 at 23:30 UTC",
    ],
  ])("%s", (zone, words) => {
    expect(moment("2026-11-23T23:30:00Z", zone)).toBe(words);
  });

  test("what is no time stays as it is", () => {
    expect(moment("soon", "UTC")).toBe("soon");
  });
});

describe("the commands mean what they say in bash:", () => {
  const steps = {
    server: "https://keys.example.com",
    ownerToken: `rw_${"t".repeat(43)}`,
    encrypted: false,
  };

  function expectMeant(filename: string): void {
    const block = nextCommands({ ...steps, filename });
    if (block === null) return;
    expect(notAllowed(block)).toEqual([]);
    expect(block.split("\n")).toHaveLength(3);
    const script = `rootward() { printf '%s\\0' "$ROOTWARD_SERVER" "$ROOTWARD_TOKEN" "$@"; }\n${block}`;
    const said = execFileSync("bash", ["-c", script], { encoding: "utf8" }).split("\0");
    const file = filename.startsWith("-") ? `./${filename}` : filename;
    expect(said).toEqual([steps.server, steps.ownerToken, "keys", "rotate", file, ""]);
  }

  test("whatever the file is called", () => {
    const name = fc.string({ unit: "grapheme", minLength: 1 });
    fc.assert(fc.property(name, expectMeant), { numRuns: 40 });
    for (const filename of [
      'it\'s $(id) `id` "x".tgz',
      "~/acme.tgz",
      "--accept-log",
      "-o",
      "a\\b",
      "é.tgz",
    ]) {
      expect(nextCommands({ ...steps, filename })).not.toBeNull();
      expectMeant(filename);
    }
  });

  test.each(HOSTILE)("no command where the file is called with %s", (what, filename) => {
    const names = filename.length > 1000 ? [] : [filename, `${filename}.tgz.p7m`];
    const drawn = ["a shell's words", "a flag"].includes(what);
    for (const [at, name] of names.entries()) {
      expect(nextCommands({ ...steps, filename: name }) !== null).toBe(drawn);
      expect(nextCommands({ ...steps, filename: name, encrypted: true }) !== null).toBe(drawn);
      expect(openCommands(name).every((text) => text === "")).toBe(!drawn);
      if (at === 0) expectMeant(name);
    }
  });

  test("no command where the service's token has another form", () => {
    const ownerToken = "rw_t; reboot";
    expect(nextCommands({ ...steps, ownerToken, filename: "acme.tgz" })).toBeNull();
  });

  test("an encrypted archive is opened first", () => {
    const block = nextCommands({ ...steps, filename: "acme (1).tgz.p7m", encrypted: true });
    expect(block?.split("\n").slice(2)).toEqual([
      "rootward keys open 'acme (1).tgz.p7m' --key PRIVATE-KEY.pem",
      "rootward keys rotate 'acme (1).tgz'",
    ]);
    expect(openCommands("acme.tgz.p7m")).toEqual([
      "rootward keys open acme.tgz.p7m --key PRIVATE-KEY.pem",
      "openssl cms -decrypt -inform DER -in acme.tgz.p7m -inkey PRIVATE-KEY.pem -out acme.tgz",
    ]);
    const other = nextCommands({ ...steps, filename: "sealed", encrypted: true });
    expect(other?.split("\n").slice(2)).toEqual([
      "rootward keys open sealed --key PRIVATE-KEY.pem -o sealed.opened.tgz",
      "rootward keys rotate sealed.opened.tgz",
    ]);
  });

  test("without a token there is a place for it", () => {
    expect(nextCommands({ ...steps, ownerToken: null, filename: "a.tgz" })).toContain(
      "export ROOTWARD_TOKEN='your owner token'\n",
    );
  });
});

describe("the confirmation is open", () => {
  const picked = (found: "reading" | "right" | "wrong" | "unreadable"): Act => ({
    kind: "picked",
    found,
  });
  const said = (saysSo: boolean): Act => ({ kind: "said", saysSo });
  const cleared: Act = { kind: "cleared" };
  test.each<readonly [string, readonly Act[], boolean]>([
    ["not at the start", [], false],
    ["on the owner's word", [said(true)], true],
    ["not when the word is taken back", [said(true), said(false)], false],
    ["with the right file", [picked("reading"), picked("right")], true],
    ["not while it is read", [picked("reading")], false],
    ["not with a wrong file", [picked("wrong")], false],
    ["not with a file that cannot be read", [picked("unreadable")], false],
    ["not with a wrong file after the word", [said(true), picked("wrong")], false],
    ["not while a file is read after the word", [said(true), picked("reading")], false],
    ["on the word after a wrong file", [picked("wrong"), said(true)], true],
    ["not when that word is taken back", [picked("wrong"), said(true), said(false)], false],
    ["with the right file, word or not", [picked("right"), said(true), said(false)], true],
    ["not with a wrong file after the right one", [picked("right"), picked("wrong")], false],
    ["not when the right file is taken back", [picked("right"), cleared], false],
    ["not on a word from before a wrong file", [said(true), picked("wrong"), cleared], false],
  ])("%s", (_, acts, open) => {
    expect(mayConfirm(acts.reduce(afterAct, UNCHECKED))).toBe(open);
  });
});

describe("a notice", () => {
  const at = "2026-11-23T10:00:00Z";
  const refusal = (code: ErrorCode, facts = {}) => new RootwardError(code, "words", { facts });
  const notice = (error: unknown, step: Step = "claim", began = false): Notice =>
    noticeFor(error, step, began, "Europe/Berlin");
  const text = ({ heading, paragraphs, parts }: Notice): string =>
    [heading, ...paragraphs, ...parts.flatMap((part) => [part.heading, ...part.lines])].join("\n");

  test("tells when a link was used, and what to do if that was not you", () => {
    const used = notice(refusal("delivery-used", { usedAt: at }));
    expect(used.way).toBe("none");
    expect(text(used)).toContain("11:00 your time (Europe/Berlin), 10:00 UTC");
    expect(text(used)).toMatch(/If that was not you\n.*\n.*at once/);
    expect(notice(refusal("delivery-used", { usedAt: at }), "claim", true).way).toBe("pick");
  });

  test("tells whom to ask after the expiry, and lets a file that is here be confirmed", () => {
    const expired = notice(refusal("delivery-expired", { expiredAt: at, factory: "acme" }));
    expect([expired.way, text(expired)]).toEqual(["none", expect.stringContaining("Factory acme")]);
    const ended = refusal("delivery-expired", { leaseEndedAt: at });
    expect(notice(ended, "claim", true).way).toBe("pick");
    expect(notice(ended).way).toBe("none");
    expect(text(notice(refusal("delivery-expired")))).toContain("no longer on the service");
  });

  test("tells trouble on the way from a refusal", () => {
    const trouble: readonly ErrorCode[] = ["server-unreachable", "unavailable", "server-refused"];
    for (const code of trouble) {
      expect(notice(refusal(code))).toMatchObject({ way: "retry", parts: [] });
      expect(text(notice(refusal(code)))).toContain("Nothing is lost");
      expect(text(notice(refusal(code), "confirm"))).toContain("to confirm twice is harmless");
    }
    for (const code of ["delivery-replaced", "not-found"] as const) {
      expect(notice(refusal(code)).way).toBe("none");
    }
    expect(notice(new Error("odd"))).toMatchObject({ way: "retry" });
  });
});
