/** What an owner does with fioctl, by a client that follows what the real one says on the wire. */
import { expect, test } from "@jest/globals";
import { expectChains } from "../../support/fioctl/expect-chains.ts";
import { addUser, openFactory } from "../../support/fioctl/factory.ts";
import { fioctl, txidIn } from "../../support/fioctl/fioctl.ts";
import type { Installation } from "./installation.ts";

const APPLIED = /The staged TUF root updates were applied to your Factory\./;

export function tellFioctl(one: Installation): void {
  test("takes its first root key, rotates it, and changes the online keys", async () => {
    const { adminToken, folder } = one;
    const factory = await openFactory({ url: one.aws.front, adminToken, folder }, "fio");
    const alice = fioctl(factory.alice);
    const keys = factory.file("root.tgz");
    const first = await alice.rotateOfflineKey({ role: "root", keys, firstTime: true });
    expect(first).toMatch(APPLIED);
    expect(await alice.rotateOfflineKey({ role: "root", keys, keyType: "rsa" })).toMatch(APPLIED);

    const bob = fioctl(await addUser(factory, "bob"));
    const begun = await alice.updates.init({ changelog: "new online keys" });
    await alice.updates.rotateOnlineKey({ roles: ["targets", "snapshot", "timestamp"] });
    expect(await bob.updates.review({})).toMatch(/role targets: adds key [0-9a-f]{64}/);
    await alice.updates.sign({ keys });
    expect(await bob.updates.apply({ txid: txidIn(begun) })).toMatch(APPLIED);
    await expectChains(factory, { versions: 4, onlineKeys: "new" });
  }, 60_000);
}
