/** What somebody gets out of the API with a thing that was read somewhere. */
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { makeCertificate, rsaKey } from "../../support/certificate.ts";
import type { TestServer } from "../../support/embedded.ts";
import { call, claim, confirm, fetchArchive, linkParts, newClaimant } from "../../support/owner.ts";
import { copyOf, text } from "./copy.ts";
import { askWithToken, bootstrapAgain, ownersToken, tryAsDelivery } from "./doors.ts";
import { foundIn, no, yes, type Row } from "./row.ts";
import { make, readFirstKey, rotateFirst, withServer } from "./stories.ts";

/** Claims and confirms as the owner. */
async function takeDelivery({ url }: TestServer, link: string): Promise<void> {
  const claimant = newClaimant();
  const archive = await fetchArchive(link, await claim(url, link, claimant));
  const { status } = await confirm(url, link, claimant, archive);
  if (status !== 200) throw new Error(`confirm: ${status}`);
}

const IDS: readonly Row[] = [
  no(
    "an id hash from the database, a backup or a file's name, against the API",
    "the API wants what it is the hash of, and a URL needs a key that is in memory only",
    () =>
      withServer(async (server) => {
        const { rootKey } = await make(server);
        const [idHash = ""] = readdirSync(join(server.data, "archives"));
        const got = await tryAsDelivery(server, idHash);
        return foundIn(rootKey, [...got, ...text("id hash", idHash)]);
      }),
  ),
  no("without a link: its id hash, and the id of an empty secret", "no id opens it", () =>
    withServer(async (server) => {
      const { rootKey } = await make(server, { delivery: "api" });
      const [idHash = ""] = readdirSync(join(server.data, "archives"));
      const empty = createHash("sha256").update("rootward delivery id").digest("hex");
      return foundIn(rootKey, [
        ...(await tryAsDelivery(server, idHash)),
        ...(await tryAsDelivery(server, empty)),
      ]);
    }),
  ),
  no(
    "the id of a link without its secret, as a proxy that logs bodies has it",
    "it gets share and sealed archive, and uses the link up; T is missing",
    () =>
      withServer(async (server) => {
        const { link, rootKey } = await make(server);
        const got = await tryAsDelivery(server, linkParts(link).id);
        if (got.every(({ file }) => file !== "archive")) throw new Error("no archive came");
        return foundIn(rootKey, [...got, ...copyOf(server).database]);
      }),
  ),
];

const TOKENS: readonly Row[] = [
  no(
    "an owner token of a Factory with a link, before the confirmation",
    "the key leaves by the link only",
    () =>
      withServer(async (server) => {
        const { ownerToken, rootKey } = await make(server);
        return foundIn(rootKey, await askWithToken(server, ownerToken));
      }),
  ),
  no(
    "the admin token, of a Factory with a link: its key",
    "the same, before and after the confirmation",
    () =>
      withServer(async (server) => {
        const { link, rootKey } = await make(server);
        const before = await askWithToken(server, server.adminToken);
        before.push(...(await askWithToken(server, await ownersToken(server))));
        await takeDelivery(server, link);
        const after = await askWithToken(server, server.adminToken);
        after.push(...(await askWithToken(server, await ownersToken(server))));
        return foundIn(rootKey, before, after);
      }),
  ),
  yes(
    "the admin token, used to bootstrap again before the confirmation: another key in its place",
    "the provisioner has the new link; the owner is told, and the old key is worth nothing",
    () =>
      withServer(async (server) => {
        const { rootSha256 } = await make(server);
        const { rootKey, stolen } = await bootstrapAgain(server, { replaces: rootSha256 });
        return foundIn(rootKey, stolen);
      }),
  ),
  yes(
    "the same of a Factory with a certificate, and now without one: another key in its place",
    "the provisioner says which certificate is the owner's, and whether there is one",
    () =>
      withServer(async (server) => {
        const recipientCertificate = makeCertificate(rsaKey(2048)).pem;
        const { rootSha256 } = await make(server, { recipientCertificate });
        const without = { replaces: rootSha256, recipientCertificate: null };
        const { rootKey, stolen } = await bootstrapAgain(server, without);
        return foundIn(rootKey, stolen);
      }),
  ),
  yes(
    "the admin token, used to bootstrap again after the confirmation, with an owner's token that it made",
    "as above: the owner's word guards against mistakes, not against the provisioner",
    () =>
      withServer(async (server) => {
        const { link, rootSha256 } = await make(server);
        await takeDelivery(server, link);
        const ownerToken = await ownersToken(server);
        const word = { replaces: rootSha256, ownerToken, noDeviceExists: true };
        const { rootKey, stolen } = await bootstrapAgain(server, word);
        return foundIn(rootKey, stolen);
      }),
  ),
  yes(
    "the admin token, of a Factory without a link, before its first rotation",
    "by making an owner's token; the owner gets a message about both",
    () =>
      withServer(async (server) => {
        const { rootKey } = await make(server, { delivery: "api" });
        const token = await ownersToken(server);
        return foundIn(rootKey, await askWithToken(server, token));
      }),
  ),
  no(
    "the admin token and an owner token, without a link, after the first rotation",
    "nothing is left to read, and nothing bootstraps again",
    () =>
      withServer(async (server) => {
        const { ownerToken, rootKey, rootSha256 } = await make(server, { delivery: "api" });
        await rotateFirst(server, await readFirstKey(server, ownerToken));
        const got = [
          ...(await askWithToken(server, server.adminToken)),
          ...(await askWithToken(server, ownerToken)),
        ];
        const { status } = await call(`${server.url}/ota/factories/acme/rebootstrap`, {
          token: server.adminToken,
          body: { replaces: rootSha256, ownerToken, noDeviceExists: true },
        });
        return status === 201 || foundIn(rootKey, got);
      }),
  ),
];

export const DOOR_ROWS: readonly Row[] = [...IDS, ...TOKENS];
