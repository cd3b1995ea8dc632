/**
 * Three admins, three tokens, three archives on three machines: nobody has more than one root key,
 * and whoever did not begin a root update needs its transaction ID.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { startServer, type TestServer } from "../support/embedded.ts";
import { expectChains } from "../support/fioctl/expect-chains.ts";
import { keyidsOf, roleOf } from "../support/fioctl/documents.ts";
import { addUser, latest, openFactory } from "../support/fioctl/factory.ts";
import { failureOf, fioctl, txidIn } from "../support/fioctl/fioctl.ts";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.remove());

async function threeAdmins(name: string) {
  const factory = await openFactory(server, name);
  const [bob, carol] = [await addUser(factory, "bob"), await addUser(factory, "carol")];
  const archive = {
    alice: factory.file("alice.tgz"),
    bob: factory.file("bob.tgz"),
    carol: factory.file("carol.tgz"),
  };
  const [alice, others] = [fioctl(factory.alice), { bob: fioctl(bob), carol: fioctl(carol) }];
  await alice.rotateOfflineKey({ role: "root", keys: archive.alice, firstTime: true });
  return { factory, archive, alice, ...others };
}

/** All three hold a root key, and two of them must sign; version 3. */
async function twoOfThree(name: string) {
  const team = await threeAdmins(name);
  const { alice, bob, carol, archive } = team;
  const txid = txidIn(await alice.updates.init({ changelog: "two of three" }));
  await bob.updates.addOfflineKey({ role: "root", keys: archive.bob, txid });
  await carol.updates.addOfflineKey({ role: "root", keys: archive.carol, txid });
  await alice.updates.setThreshold({ role: "root", threshold: 2 });
  await alice.updates.sign({ keys: archive.alice });
  await bob.updates.sign({ keys: archive.bob, txid });
  await alice.updates.apply({});
  return team;
}

test("add their keys and set the threshold to two", async () => {
  const { factory, archive, alice, bob, carol } = await threeAdmins("add");
  const txid = txidIn(await alice.updates.init({ changelog: "two of three" }));
  await bob.updates.addOfflineKey({ role: "root", keys: archive.bob, txid });
  await carol.updates.addOfflineKey({ role: "root", keys: archive.carol, txid });
  await alice.updates.setThreshold({ role: "root", threshold: 2 });
  await alice.updates.sign({ keys: archive.alice });
  // One of two: refused, and nothing is lost.
  expect(await bob.updates.review({})).toMatch(/mandatory before applying it:\n - /);
  expect(await failureOf(alice.updates.apply({}))).toMatch(
    /Failed to apply staged TUF root updates:[^]*: 422 [^]*No changes were made/,
  );
  await bob.updates.sign({ keys: archive.bob, txid });
  expect(await carol.updates.review({})).not.toMatch(/mandatory before applying it/);
  await carol.updates.apply({ txid });

  const { ci } = await expectChains(factory, { versions: 3 });
  const root = latest(ci);
  expect(roleOf(root, "root")).toMatchObject({ threshold: 2 });
  const owners = keyidsOf(root, "root").map(
    (id) => root.signed["x-key-owners"]?.[id]?.["polis-id"],
  );
  expect(owners).toEqual(["alice", "bob", "carol"]);
});

test("need the transaction ID, and the right one", async () => {
  const { factory, archive, alice, bob, carol } = await threeAdmins("txid");
  const txid = txidIn(await alice.updates.init({ changelog: "whose is it" }));
  for (const wrong of ["", `${txid}x`, "ABCDEFGH"]) {
    const commands = [
      () => bob.updates.addOfflineKey({ role: "root", keys: archive.bob, txid: wrong }),
      () => bob.updates.rotateOnlineKey({ roles: ["snapshot"], txid: wrong }),
      () => bob.updates.setThreshold({ role: "root", threshold: 1, txid: wrong }),
      () => bob.updates.apply({ txid: wrong }),
    ];
    for (const command of commands) {
      expect(await failureOf(command())).toMatch(/: 403 Forbidden/);
    }
  }
  // Cancel asks for none, of anybody who may update the root.
  await carol.updates.cancel();
  await expectChains(factory, { versions: 2 });
});

test("a reader looks on, and changes nothing", async () => {
  const { factory, archive, alice } = await threeAdmins("reader");
  const dave = fioctl(await addUser(factory, "dave", ["root:read"]));
  await dave.updates.review({});
  await dave.showRoot({});
  expect(await failureOf(dave.updates.init({ changelog: "mine" }))).toMatch(/: 403 Forbidden/);
  const txid = txidIn(await alice.updates.init({ changelog: "hers" }));
  expect(
    await failureOf(dave.updates.addOfflineKey({ role: "root", keys: archive.bob, txid })),
  ).toMatch(/: 403 Forbidden/);
  expect(await failureOf(dave.updates.cancel())).toMatch(/: 403 Forbidden/);
  await alice.updates.cancel();
  await expectChains(factory, { versions: 2 });
});

test("rotate one of three keys with two signatures of the old root", async () => {
  const { factory, archive, bob, carol, alice } = await twoOfThree("rotate");
  const txid = txidIn(await bob.updates.init({ changelog: "bob has a new key" }));
  await bob.updates.rotateOfflineKey({ role: "root", keys: archive.bob, sign: true });
  // Bob's two signatures are one of two for each root.
  expect(await failureOf(bob.updates.apply({}))).toMatch(/: 422 /);
  await carol.updates.sign({ keys: archive.carol, txid });
  await alice.updates.apply({ txid });
  const { ci } = await expectChains(factory, { versions: 4 });
  const [, , before, after] = ci.map((root) => keyidsOf(root, "root"));
  expect(after).toHaveLength(3);
  expect(after?.filter((id) => before?.includes(id))).toHaveLength(2);
  expect(latest(ci).signed["x-changelog"]).toMatchObject({ "polis-id": "bob" });
});

test("let one of them go, whose key is deleted by its id", async () => {
  const { factory, archive, alice, bob } = await twoOfThree("leaver");
  const { ci } = await expectChains(factory, { versions: 3 });
  const root = latest(ci);
  const carols = keyidsOf(root, "root").find(
    (id) => root.signed["x-key-owners"]?.[id]?.["polis-id"] === "carol",
  );
  const txid = txidIn(await alice.updates.init({ changelog: "carol leaves" }));
  await alice.updates.deleteOfflineKey({ role: "root", keyId: carols ?? "" });
  await alice.updates.sign({ keys: archive.alice });
  await bob.updates.sign({ keys: archive.bob, txid });
  await bob.updates.apply({ txid });
  const after = await expectChains(factory, { versions: 4 });
  expect(keyidsOf(latest(after.ci), "root")).toHaveLength(2);
  expect(await failureOf(alice.updates.deleteOfflineKey({ role: "root" }))).toMatch(
    /Either --keys or --key-id option is required/,
  );
});
