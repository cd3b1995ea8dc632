/** Copies of the files of a Factory with an owner's certificate, and of one without a link. */
import { dataOf } from "./copy.ts";
import { foundIn, no, once, yes, type Row } from "./row.ts";
import { delivered, withoutLink } from "./stories.ts";

const encrypted = once(() => delivered(true));
const escrowed = once(withoutLink);

export const CERTIFICATE_ROWS: readonly Row[] = [
  no(
    "encrypted to a certificate: everything with the outbox and the link, before the confirmation",
    "what comes out is encrypted to the certificate",
    async () => {
      const { ready, claimed, link, rootKey } = await encrypted();
      const hauls = [ready, claimed].map((copy) => [...dataOf(copy), ...copy.outbox, ...link]);
      return foundIn(rootKey, ...hauls);
    },
  ),
  yes("that, and the certificate's private key", "that is the owner's part", async () => {
    const { claimed, link, card, rootKey } = await encrypted();
    return foundIn(rootKey, [...dataOf(claimed), ...link, ...card]);
  }),
  no(
    "the certificate's private key, and the rest without the link",
    "it is sealed to the link, too",
    async () => {
      const { ready, claimed, card, rootKey } = await encrypted();
      return foundIn(rootKey, ...[ready, claimed].map((copy) => [...dataOf(copy), ...card]));
    },
  ),
  no("the same with the link, after the confirmation", "as without a certificate", async () => {
    const { confirmed, link, card, rootKey } = await encrypted();
    return foundIn(rootKey, [...dataOf(confirmed), ...link, ...card]);
  }),
];

export const WITHOUT_LINK_ROWS: readonly Row[] = [
  yes(
    "without a link: archives, shares and the master key, before the first rotation",
    'that is what `delivery: "api"` means',
    async () => {
      const { before, rootKey } = await escrowed();
      return foundIn(rootKey, [...before.archives, ...before.shares, ...before.masterKey]);
    },
  ),
  no("the whole data folder without the master key", "the share does not open", async () => {
    const { before, rootKey } = await escrowed();
    return foundIn(rootKey, dataOf(before, "masterKey"));
  }),
  no(
    "the whole data folder and the master key, after the first rotation",
    "share and archive are destroyed",
    async () => {
      const { rotated, rootKey } = await escrowed();
      return foundIn(rootKey, [...dataOf(rotated), ...rotated.outbox]);
    },
  ),
];
