import { expect, it } from "vitest";
import type { EventType } from "../../lib/state/event.ts";
import { sha256Text } from "../../lib/tuf/bytes.ts";
import { jsonObject } from "../../lib/tuf/json.ts";
import type { Opened } from "./adapters.ts";
import {
  createHead,
  creation,
  eventIn,
  factoryName,
  NOW,
  storeDocuments,
  successor,
} from "./sample-head.ts";
import { contract } from "./suite.ts";

const LINK = "https://rootward.example/download#0123456789abcdefghijABCDEFGHIJ0123456789abc";
const MAIL = {
  factory: factoryName("acme"),
  email: "owner@example.com",
  idHash: sha256Text("delivery"),
  link: LINK,
  expiresAt: NOW + 1000,
  recipient: null,
  now: NOW,
};

function notice(type: EventType, seq = 2) {
  const event = {
    seq,
    previous: null,
    id: "0".repeat(32),
    time: NOW,
    type,
    actor: "link",
    details: jsonObject({}),
  };
  return {
    factory: factoryName("acme"),
    reader: "owner",
    email: "owner@example.com",
    event,
  } as const;
}

contract("notifier", (stores) => {
  it("mails the link, whole and alone on one line, to the owner", async () => {
    const { notifier, mails } = stores();
    await notifier.sendLink(MAIL);
    expect(mails()).toHaveLength(1);
    const lines = (mails()[0] ?? "").split("\n");
    expect(lines.filter((line) => line === LINK)).toHaveLength(1);
    expect(lines.filter((line) => line.includes("#"))).toEqual([LINK]);
    expect(lines).toContain("To: owner@example.com");
    const subject = lines.find((line) => line.startsWith("Subject: "));
    expect(subject).toContain("acme");
    expect(subject).not.toContain("http");
  });

  it("names the certificate that the archive is encrypted to", async () => {
    const { notifier, mails } = stores();
    const recipient = sha256Text("certificate");
    await notifier.sendLink({ ...MAIL, recipient });
    expect((mails()[0] ?? "").split("\n")).toContain(recipient);
  });

  it("has one mail after the same was sent twice", async () => {
    const { notifier, mails } = stores();
    await notifier.sendLink(MAIL);
    await notifier.sendLink(MAIL);
    expect(mails()).toHaveLength(1);
  });

  it("takes back the mail with the link, however often, and no other", async () => {
    const { notifier, mails, withdraws } = stores();
    const other = { ...MAIL, idHash: sha256Text("other"), link: `${LINK.slice(0, -1)}d` };
    await notifier.sendLink(MAIL);
    await notifier.sendLink(other);
    await notifier.notify(notice("delivery-refused"));
    await notifier.withdrawLink(MAIL.idHash);
    await notifier.withdrawLink(MAIL.idHash);
    // Where it was handed on at once, that is no error.
    const left = withdraws ? 2 : 3;
    expect(mails()).toHaveLength(left);
    expect(mails().some((mail) => mail.includes(LINK))).toBe(!withdraws);
    await notifier.withdrawLink(sha256Text("never sent"));
    expect(mails()).toHaveLength(left);
  });

  it("tells of an event once, however often it is sent", async () => {
    const { notifier, mails } = stores();
    await notifier.notify(notice("delivery-confirmed"));
    await notifier.notify(notice("delivery-confirmed"));
    expect(mails()).toHaveLength(1);
    await notifier.notify(notice("delivery-refused", 3));
    await notifier.notify(notice("delivery-expired", 4));
    expect(mails()).toHaveLength(3);
  });

  it("tells of one event when it is sent twice at the same time", async () => {
    const { notifier, mails } = stores();
    const both = [notice("delivery-refused"), notice("delivery-refused")];
    await Promise.all(both.map((one) => notifier.notify(one)));
    expect(mails()).toHaveLength(1);
  });

  it("says nothing of events that nobody is told of", async () => {
    const { notifier, mails } = stores();
    await notifier.notify(notice("metadata-refreshed"));
    expect(mails()).toEqual([]);
  });

  it("tells programs of an event once, however often it is sent, and no person", async () => {
    const { notifier, announced, mails } = stores();
    const [created, confirmed] = await logged(stores(), "acme");
    for (const one of [created, created, confirmed, created]) await notifier.announce(one);
    await Promise.all([created, confirmed].map((one) => notifier.announce(one)));
    const expected = [
      { factory: "acme", seq: 1, id: created.event.id, type: "factory-created", details: {} },
      {
        factory: "acme",
        seq: 2,
        id: confirmed.event.id,
        time: "2026-01-15T00:00:00Z",
        type: "delivery-confirmed",
        actor: "schedule",
        details: { sha256: sha256Text("archive") },
      },
    ];
    // On one machine nobody listens.
    if (announced() !== null) expect(announced()).toMatchObject(expected);
    expect(mails()).toEqual([]);
  });

  it("tells programs of every Factory's events", async () => {
    const { notifier, announced } = stores();
    for (const name of ["acme", "bolt"]) {
      const [created] = await logged(stores(), name);
      await notifier.announce(created);
    }
    const told = announced()?.map(({ factory }) => factory);
    expect(told ?? ["acme", "bolt"]).toEqual(["acme", "bolt"]);
  });
});

/** A Factory with two events, as the log has them. */
async function logged(opened: Opened, name: string) {
  const first = creation(name);
  await createHead(opened, first);
  const details = jsonObject({ sha256: sha256Text("archive"), user: "olga@example.com" });
  const second = successor(first.head, { type: "delivery-confirmed", details });
  await storeDocuments(opened, second);
  await opened.heads.swap(first.head.revision, second.head);
  return [eventIn(first), eventIn(second)] as const;
}
