/** The messages to a Factory's owner. */
import { formatTime } from "../../tuf/expires.ts";
import { returnedRoots, word, type MailText, type Notices } from "./message.ts";
import type { Message } from "../ports.ts";

function mintedMessage({ factory, event }: Message): MailText {
  return {
    // Without the user: mail programs decode a name like =?utf-8?...?= in a subject.
    subject: `A token of ${factory} was made`,
    body: [
      `At ${formatTime(event.time)} ${word(event, "by")} (${event.actor}) made a token of ${factory} for`,
      `${word(event, "user")}, with the id ${word(event, "id")}. Until your root was rotated once, a token that`,
      "may change roots can read a first root key that the service keeps, or agree to another one in its",
      "place. If this is not as it should be, rotate the root key at once, and have the token revoked.",
    ].join("\n"),
  };
}

/** An owner's token was revoked; other tokens are not mailed. */
function revokedMessage({ factory, event }: Message): MailText {
  return {
    subject: `A token of ${factory} was revoked`,
    body: [
      `At ${formatTime(event.time)} ${event.actor} revoked the token with the id ${word(event, "id")}, which`,
      `belonged to ${word(event, "user")} and could change the root of ${factory}.`,
      "If you do not know why, look at the list of tokens and at the audit log. A token can revoke itself",
      "and the tokens that it made. The operator of the service can revoke any token and make a new one.",
    ].join("\n"),
  };
}

/** The confirmation was repeated: its answer may have been lost, or somebody else has the claimant. */
function issuedMessage({ factory, event }: Message): MailText {
  return {
    subject: `The owner token of ${factory} was replaced`,
    body: [
      `At ${formatTime(event.time)} the confirmation of the download of ${factory} was repeated. Its answer`,
      `has a new owner token, number ${word(event, "count")} of at most 5. The owner token of the answer before`,
      "has ended. Tokens that it made still work.",
      "If that was not you, somebody has what your browser or tool kept of the download. Revoke the new",
      "token, or have the operator of the service revoke it, and rotate the root key.",
    ].join("\n"),
  };
}

/** Without a link, each time the first root key leaves the service. */
function readMessage({ factory, event }: Message): MailText {
  return {
    subject: `The first root key of ${factory} was read`,
    body: [
      `At ${formatTime(event.time)} the first root key of ${factory} was handed out to`,
      `${word(event, "user")} (${event.actor}). If that was you, rotate it now and keep the new one offline:`,
      "fioctl keys tuf rotate-offline-key --role root --first-time does both.",
      "If that was not you, somebody else can sign your fleet's next root: rotate at once, and have",
      "your tokens revoked.",
    ].join("\n"),
  };
}

function expiryMessage({ factory, event }: Message): MailText {
  const { passed } = event.details;
  const when = `${passed === true ? "expired" : "expires"} at ${word(event, "expires")}`;
  return {
    subject: `The root of ${factory} ${when}`,
    body: [
      `Root version ${word(event, "version")} of ${factory} ${when}. The service cannot renew it: only`,
      passed === true
        ? "your root keys can. Devices take no update until you do; an expired root can be rotated."
        : "your root keys can. Devices take no update once it has expired.",
      "",
      "With the archive that holds your root key:",
      "",
      "  rootward keys rotate ARCHIVE",
      "  (fioctl: fioctl keys tuf rotate-offline-key --role root --keys ARCHIVE)",
      "",
      "Where several signatures are needed, the other signers follow with rootward keys sign",
      "(fioctl keys tuf updates sign), and rootward root apply (fioctl keys tuf updates apply) ends it.",
    ].join("\n"),
  };
}

/** Where there is a link, the mail with it says that the Factory is ready. */
function createdMessage({ factory, event }: Message): MailText | null {
  if (event.details["delivery"] === "link") return null;
  return {
    subject: `Your Factory ${factory} is ready: take its root key offline`,
    body: [
      `Your Factory ${factory} is ready and live.`,
      "",
      "Its root key decides what your devices trust. The service keeps the first one for you, and",
      "can read it, until you have made one of your own:",
      "",
      `  fioctl keys tuf rotate-offline-key --role root --first-time --factory ${factory} \\`,
      "    --keys root-keys.tgz",
      "",
      "Then keep that file offline. Each time the first key is read, you get a message.",
    ].join("\n"),
  };
}

export const OWNER_NOTICES: Notices = {
  "factory-created": createdMessage,
  "factory-bootstrapped-again": ({ factory, event }) => ({
    subject: `Factory ${factory} was set up anew`,
    body: [
      `At ${formatTime(event.time)} Factory ${factory} got a new root key and a new download link, which`,
      "you have in a message of its own. Every earlier link, every archive that was downloaded with one,",
      "and every token of this Factory no longer work: delete them.",
      event.details["recipient"] === undefined
        ? "The new archive is not encrypted to a certificate."
        : `The new archive is encrypted to the certificate with SHA-256 ${word(event, "recipient")}.`,
      ...(event.details["wasLive"] === true
        ? [
            "",
            "It had been live. A device that was built before this will no longer accept updates.",
          ]
        : []),
      "If you do not know why, ask the person who set up this Factory before you build a device.",
    ].join("\n"),
  }),
  "initial-key-read": readMessage,
  "token-minted": mintedMessage,
  "token-revoked": revokedMessage,
  "owner-token-issued": issuedMessage,
  "root-update-started": readMessage,
  "root-expiring": expiryMessage,
  "delivery-confirmed": ({ factory, event }) => ({
    subject: `Factory ${factory} is live`,
    body: [
      `The root key archive of ${factory} was downloaded and confirmed at ${formatTime(event.time)}.`,
      "The service destroys its copy, and the Factory is live.",
      "If that was not you, tell the person who set up this Factory before any device is built.",
    ].join("\n"),
  }),
  "root-accepted": ({ factory, event }) => ({
    subject: `The first root key of ${factory} is gone from the service`,
    body: [
      `A root signed with the first root key of ${factory} was accepted at ${formatTime(event.time)},`,
      "so that key is in its owner's hands: the service destroys its copy, and the Factory is live.",
      "If that was not you, tell the person who set up this Factory before any device is built.",
    ].join("\n"),
  }),
  "roots-returned": ({ factory, event }) => ({
    subject: `The roots of ${factory} came back after a restore`,
    body: [
      `At ${formatTime(event.time)} the service took back roots of ${factory} from its signer, because its`,
      "database had been restored from before them:",
      "",
      ...returnedRoots(event),
      "",
      "Your devices may have these roots, so the service serves them again. A root update that was",
      "staged in the restored database was dropped; start it again. Changes since the backup are gone.",
      "Your next rootward keys rotate needs --accept-log once, since the log lost its last events.",
      "If you did not sign such a root, tell the operator of the service at once.",
    ].join("\n"),
  }),
  "delivery-refused": ({ factory, event }) => ({
    subject: `Somebody else tried the download link of ${factory}`,
    body: [
      `At ${formatTime(event.time)} somebody tried the download link of ${factory}, which had been`,
      "used before. They got nothing.",
      "If you are the one who was refused, the archive is in other hands: tell the person who set up this",
      "Factory at once, and build no device. If you have the archive, somebody else has your mail.",
    ].join("\n"),
  }),
  "delivery-expired": ({ factory, event }) => ({
    subject: `The download link of ${factory} has ended`,
    body:
      event.details["claimed"] === true
        ? [
            `The root key archive of ${factory} was fetched, and nobody confirmed having it in time, so the`,
            "service destroys its copy. If you have the file, open the link again and confirm it. If",
            "not, ask the person who set up this Factory to bootstrap it again. No device has been served.",
          ].join("\n")
        : [
            `Nobody used the download link of ${factory} in time, so the service destroys the archive.`,
            "No device has been served. Ask the person who set up this Factory to bootstrap it again.",
          ].join("\n"),
  }),
};
