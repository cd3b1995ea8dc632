/** Copies of the files of a Factory with a link. */
import { dataOf } from "./copy.ts";
import { foundIn, no, once, yes, type Row } from "./row.ts";
import { delivered, ended, replaced } from "./stories.ts";

const plain = once(() => delivered(false));
const unread = once(() => ended(false));
const unconfirmed = once(() => ended(true));
const again = once(replaced);

/** One part of the data folder alone. */
const PARTS: readonly Row[] = [
  no("the archives folder, before the confirmation", "sealed", async () => {
    const { ready, claimed, rootKey } = await plain();
    return foundIn(rootKey, ready.archives, claimed.archives);
  }),
  no("the shares folder and the master key", "half of a key", async () => {
    const { ready, claimed, rootKey } = await plain();
    const hauls = [ready, claimed].map(({ shares, masterKey }) => [...shares, ...masterKey]);
    return foundIn(rootKey, ...hauls);
  }),
  no("the database and its log, at any time", "neither share nor archive is in it", async () => {
    const { ready, claimed, confirmed, rootKey } = await plain();
    return foundIn(rootKey, ready.database, claimed.database, confirmed.database);
  }),
  no("the signer's records and the master key", "online keys only", async () => {
    const { ready, claimed, confirmed, rootKey } = await plain();
    const hauls = [ready, claimed, confirmed];
    return foundIn(rootKey, ...hauls.map(({ signer, masterKey }) => [...signer, ...masterKey]));
  }),
  no(
    "database, archives, shares and the link, without the master key",
    "the share does not open",
    async () => {
      const { ready, claimed, link, rootKey } = await plain();
      const hauls = [ready, claimed].map((copy) => [...dataOf(copy, "masterKey"), ...link]);
      return foundIn(rootKey, ...hauls);
    },
  ),
];

/** Everything, from one moment. */
const MOMENTS: readonly Row[] = [
  no(
    "the whole data folder and the master key, at any one moment",
    "the link's secret T is missing",
    async () => {
      const { ready, claimed, confirmed, rootKey } = await plain();
      return foundIn(rootKey, ...[ready, claimed, confirmed].map((copy) => dataOf(copy)));
    },
  ),
  yes("that and the outbox, before the claim", "the mail in it has the link", async () => {
    const { ready, rootKey } = await plain();
    return foundIn(rootKey, [...dataOf(ready), ...ready.outbox]);
  }),
  no("that and the outbox, after the claim", "the claim takes the mail back", async () => {
    const { claimed, confirmed, rootKey } = await plain();
    const hauls = [claimed, confirmed].map((copy) => [...dataOf(copy), ...copy.outbox]);
    return foundIn(rootKey, ...hauls);
  }),
  yes(
    "the whole data folder, the master key and the link, before the confirmation",
    "link and sealed archive together, as the owner has them",
    async () => {
      const { ready, claimed, link, rootKey } = await plain();
      const [first, second] = [ready, claimed].map((copy) =>
        foundIn(rootKey, [...dataOf(copy), ...link]),
      );
      return first === true && second === true;
    },
  ),
  no("the same, after the confirmation", "share and archive are destroyed", async () => {
    const { confirmed, link, rootKey } = await plain();
    return foundIn(rootKey, [...dataOf(confirmed), ...confirmed.outbox, ...link]);
  }),
  yes(
    "the same, after the link or the lease ended and before the schedule came by",
    "the API gives nothing, the files are still there: minutes, or as long as the service is down",
    async () => {
      const stories = [await unread(), await unconfirmed()];
      return stories.every(({ late, link, rootKey }) =>
        foundIn(rootKey, [...dataOf(late), ...link]),
      );
    },
  ),
  no("the same, after the schedule came by", "share, archive and mail are destroyed", async () => {
    const stories = [await unread(), await unconfirmed()];
    return stories.some(({ over, link, rootKey }) =>
      foundIn(rootKey, [...dataOf(over), ...over.outbox, ...link]),
    );
  }),
  no(
    "the whole data folder, the master key, the outbox and the old link, after bootstrapping again: the old key",
    "its share and archive are destroyed",
    async () => {
      const { after, oldLink, oldRootKey } = await again();
      return foundIn(oldRootKey, [...dataOf(after), ...after.outbox, ...oldLink]);
    },
  ),
  no(
    "the whole data folder, the master key and the old link, after bootstrapping again: the new key",
    "the old link opens nothing of it",
    async () => {
      const { after, oldLink, newRootKey } = await again();
      return foundIn(newRootKey, [...dataOf(after), ...oldLink]);
    },
  ),
];

/** From different moments: what a backup is. */
const BACKUPS: readonly Row[] = [
  no(
    "a backup as documented from before the claim, and the link",
    "it leaves out archives and shares",
    async () => {
      const { backup, link, rootKey } = await plain();
      return foundIn(rootKey, [...backup, ...link]);
    },
  ),
  no(
    "that, and the whole data folder after the confirmation",
    "neither has the share",
    async () => {
      const { backup, confirmed, link, rootKey } = await plain();
      return foundIn(rootKey, [...backup, ...dataOf(confirmed), ...link]);
    },
  ),
  no(
    "archives from before the confirmation, all else from after it, and the link",
    "the share is destroyed, and with it every copy of the archive",
    async () => {
      const { ready, confirmed, link, rootKey } = await plain();
      return foundIn(rootKey, [...ready.archives, ...dataOf(confirmed), ...link]);
    },
  ),
  no(
    "shares from before the confirmation, all else from after it, and the link",
    "the archive is destroyed",
    async () => {
      const { ready, confirmed, link, rootKey } = await plain();
      return foundIn(rootKey, [...ready.shares, ...dataOf(confirmed), ...link]);
    },
  ),
  yes(
    "archives and shares from before the confirmation, the master key, and the link, at any later time",
    "nothing can be destroyed in a copy, so backups leave both folders out",
    async () => {
      const { ready, confirmed, link, rootKey } = await plain();
      return foundIn(rootKey, [
        ...ready.archives,
        ...ready.shares,
        ...confirmed.masterKey,
        ...link,
      ]);
    },
  ),
  yes(
    "the same from before bootstrapping again, and the old link: the old key",
    "as above; no device trusts that key, unless it was built on it",
    async () => {
      const { before, oldLink, oldRootKey } = await again();
      return foundIn(oldRootKey, [...dataOf(before), ...oldLink]);
    },
  ),
];

export const LINK_ROWS: readonly Row[] = [...PARTS, ...MOMENTS, ...BACKUPS];
