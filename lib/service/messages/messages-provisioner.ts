/**
 * The messages to the provisioner, who sent a one-time secret: what became of its delivery. And the one
 * message to those who are told no more.
 */
import { formatTime } from "../../tuf/expires.ts";
import { returnedRoots, word, type Notices } from "./message.ts";
import type { Message } from "../ports.ts";

/** The archive as the owner will save it, to be compared over another way than the mail. */
function archiveLines({ event }: Message): readonly string[] {
  const encrypted = event.details["recipient"] !== undefined;
  return [
    `SHA-256    ${word(event, "archive")}   (of the file that the owner saves)`,
    ...(encrypted ? [`encrypted  to the certificate ${word(event, "recipient")} (SHA-256)`] : []),
  ];
}

function again(factory: string): string {
  return `  rootward factory rebootstrap ${factory} --replaces SHA-256   (as factory show tells it)`;
}

export const PROVISIONER_NOTICES: Notices = {
  "factory-created": (message) => ({
    subject: `You set up Factory ${message.factory}`,
    body: [
      `Factory ${message.factory} was made at ${formatTime(message.event.time)}.`,
      "",
      ...archiveLines(message),
      "",
      message.event.details["delivery"] === "link"
        ? "Its owner has the link. No device is served before the owner confirmed the download."
        : "It is live. The service keeps its first root key until the owner has rotated it.",
    ].join("\n"),
  }),
  "factory-bootstrapped-again": (message) => ({
    subject: `You bootstrapped Factory ${message.factory} again`,
    body: [
      `Factory ${message.factory} got a new root key and a new link at ${formatTime(message.event.time)}.`,
      "The link before, and every token of the Factory, are dead.",
      "",
      ...archiveLines(message),
      ...(message.event.details["wasLive"] === true
        ? ["", "It had been live: purge what caches before the service hold of it."]
        : []),
    ].join("\n"),
  }),
  "delivery-confirmed": ({ factory, event }) => ({
    subject: `Delivered: ${factory} is live`,
    body: [
      `The root key archive of ${factory} was downloaded and confirmed at ${formatTime(event.time)}`,
      `(SHA-256 ${word(event, "sha256")}). The service destroys its copy, and the Factory is live.`,
    ].join("\n"),
  }),
  "root-accepted": ({ factory, event }) => ({
    subject: `Delivered: ${factory} is live`,
    body: [
      `At ${formatTime(event.time)} the first root key of ${factory} signed its next root, so it is in its`,
      "owner's hands. The service destroys its copy, and the Factory is live.",
    ].join("\n"),
  }),
  "roots-returned": ({ factory, event }) => ({
    subject: `The roots of ${factory} came back after a restore`,
    body: [
      `At ${formatTime(event.time)} the service took back roots of ${factory} from its signer:`,
      "",
      ...returnedRoots(event),
      "",
      "Its database had been restored from before them. Nothing else of that time came back.",
    ].join("\n"),
  }),
  "delivery-refused": ({ factory, event }) => ({
    subject: `Possible interception: a second person tried the link of ${factory}`,
    body: [
      `The download link of ${factory} was used at ${word(event, "claimedAt")}. At ${formatTime(event.time)}`,
      "it was tried again from elsewhere, and refused. One of the two is not the owner, or the owner",
      "used two browsers. Ask the owner, over another way than mail, whether the archive is in the",
      "owner's hands. If it is not, somebody else has it: build no device, and bootstrap again:",
      "",
      again(factory),
    ].join("\n"),
  }),
  "delivery-expired": ({ factory, event }) => ({
    subject:
      event.details["claimed"] === true
        ? `Not confirmed: the archive of ${factory}`
        : `Unread: the download link of ${factory} has ended`,
    body: [
      event.details["claimed"] === true
        ? `The root key archive of ${factory} was fetched, and nobody confirmed in time having it. The`
        : `Nobody used the download link of ${factory} before it ended. The`,
      "service destroys the root key archive. No device has been served.",
      ...(event.details["claimed"] === true
        ? [
            "If the owner has the file, the owner can still confirm it on the download page. If not:",
          ]
        : ["To deliver a new one:"]),
      "",
      again(factory),
    ].join("\n"),
  }),
};

export const FORMER_OWNER_NOTICES: Notices = {
  "factory-bootstrapped-again": ({ factory, event }) => ({
    subject: `Factory ${factory} was set up anew, for another address`,
    body: [
      `At ${formatTime(event.time)} Factory ${factory} was set up anew for another address. Your link, your`,
      "archive and your tokens of it no longer work. If you do not know why, ask the person who set it up.",
    ].join("\n"),
  }),
};

export const FORMER_PROVISIONER_NOTICES: Notices = {
  "factory-bootstrapped-again": ({ factory, event }) => ({
    subject: `Factory ${factory} was set up anew for another address`,
    body: [
      `At ${formatTime(event.time)} Factory ${factory} was bootstrapped again by ${event.actor}. The link`,
      "before is dead, and you will get no more messages about the delivery. If you do not know why,",
      "find out who has a token that makes Factories.",
    ].join("\n"),
  }),
};
