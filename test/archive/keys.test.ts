/** Key pairs in an archive are found by their public half, and what cannot be read is named. */
import { describe, expect, test } from "vitest";
import { archivedKeys, keyEntries, rotatedKeyName } from "../../lib/archive/keys.ts";
import { makeSigningKey, signingKeyFromArchive } from "../../lib/crypto/signing-key.ts";
import { toHex } from "../../lib/tuf/bytes.ts";

const key = await makeSigningKey("ed25519");
const rsaKey = await makeSigningKey("rsa");
const seed = key.toArchiveText();
const publicHex = toHex(key.publicKey.spki.subarray(-32));
const file = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const pub = file({ keytype: "ED25519", keyval: { public: publicHex } });
const sec = file({ keytype: "ED25519", keyval: { private: seed } });

describe("finds", () => {
  const pretty = JSON.stringify({ keytype: "ED25519", keyval: { public: publicHex } }, null, 2);
  const rows: readonly (readonly [string, readonly (readonly [string, Uint8Array])[], string[]])[] =
    [
      [
        "a pair, wherever it lies",
        [
          ["x/y.pub", pub],
          ["x/y.sec", sec],
        ],
        ["x/y"],
      ],
      [
        "the pretty form of old fioctl",
        [
          ["a.pub", file(`${pretty}\n`)],
          ["a.sec", sec],
        ],
        ["a"],
      ],
      [
        "a public key with spaces around it",
        [
          ["a.pub", file({ keyval: { public: ` ${publicHex}\n` } })],
          ["a.sec", sec],
        ],
        ["a"],
      ],
      ["no pair in a public half", [["a.pub", pub]], []],
      ["no pair in a private half", [["a.sec", sec]], []],
      [
        "no pair in halves of two names",
        [
          ["a.pub", pub],
          ["b.sec", sec],
        ],
        [],
      ],
      [
        "nothing in other files",
        [
          ["a.txt", file("hello")],
          ["roles/root.json", file("{}")],
        ],
        [],
      ],
      [
        "both of two pairs",
        [
          ["a.pub", pub],
          ["a.sec", sec],
          ["b.pub", pub],
          ["b.sec", sec],
        ],
        ["a", "b"],
      ],
    ];

  test.each(rows)("%s", (_, entries, names) => {
    const found = archivedKeys(new Map(entries));
    expect(found.map(({ name }) => name)).toEqual(names);
    for (const { publicKey, privateText } of found) {
      expect(publicKey.fingerprint).toBe(key.publicKey.fingerprint);
      expect(privateText).toBe(seed);
    }
  });
});

describe("an entry that cannot be read is named, and nothing of it told:", () => {
  const rows: readonly (readonly [string, Record<string, Uint8Array>, string])[] = [
    ["a public half that is no JSON", { "k/a.pub": file("hello") }, "k/a.pub"],
    ["a public half that is empty", { "k/a.pub": file("") }, "k/a.pub"],
    ["a list", { "k/a.pub": file([]) }, "k/a.pub"],
    ["no keyval", { "k/a.pub": file({ keytype: "ED25519" }) }, "k/a.pub"],
    ["a number", { "k/a.pub": file({ keyval: { public: 7 } }) }, "k/a.pub"],
    ["a short key", { "k/a.pub": file({ keyval: { public: "abcd" } }) }, "k/a.pub"],
    ["no hex", { "k/a.pub": file({ keyval: { public: "z".repeat(64) } }) }, "k/a.pub"],
    ["broken PEM", { "k/a.pub": file({ keyval: { public: "-----BEGIN X" } }) }, "k/a.pub"],
    ["a member twice", { "k/a.pub": file('{"keyval":{},"keyval":{}}') }, "k/a.pub"],
    ["too long", { "k/a.pub": file(" ".repeat(70_000)) }, "k/a.pub"],
    ["a private half that is no JSON", { "k/a.pub": pub, "k/a.sec": file(seed) }, "k/a.sec"],
    ["a private half with the public member", { "k/a.pub": pub, "k/a.sec": pub }, "k/a.sec"],
  ];

  test.each(rows)("%s", (_, entries, name) => {
    const read = (): unknown => archivedKeys(new Map(Object.entries(entries)));
    expect(read).toThrow(
      expect.objectContaining({
        code: "archive-invalid",
        message: expect.stringContaining(`archive entry ${name}: `),
      }),
    );
    expect(read).not.toThrow(new RegExp(seed));
  });
});

describe.each(["ed25519", "rsa"] as const)("a key of ours (%s)", (type) => {
  test("is written in fioctl's form and found again", async () => {
    const made = type === "rsa" ? rsaKey : key;
    const name = rotatedKeyName("ab".repeat(32));
    const entries = keyEntries(name, made.publicKey, made.toArchiveText());
    expect(entries.map(([entry]) => entry)).toEqual([`${name}.pub`, `${name}.sec`]);
    for (const [, body] of entries) expect(Buffer.from(body).toString()).not.toContain("\n");
    const [found] = archivedKeys(new Map(entries));
    const again = signingKeyFromArchive(found?.privateText ?? "");
    expect(again.publicKey.fingerprint).toBe(made.publicKey.fingerprint);
  });
});
