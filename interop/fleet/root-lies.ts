/**
 * Lies about the root: each root of the chain is tampered with in turn, so that RSA and Ed25519 keys,
 * one and two of them, stand on both sides of the step that must not be taken.
 */
import type { Dialect } from "../../lib/tuf/dialect.ts";
import { NOTHING, type Reason } from "./holdings.ts";
import { lastMoment, refusedAt, withFiles, type History, type Lie, type Tampering } from "./lie.ts";
import type { Files } from "./mirror.ts";
import type { Moment } from "./moment.ts";
import { cutShort, endless, heldRoot, readSigned } from "./signed-file.ts";
import { withFlippedBit, withOtherContent, writeSigned, type SignedRoot } from "./signed-file.ts";
import { LONG_AGO, MOMENTS } from "./story.ts";

/** A step of the chain. */
interface Step {
  readonly dialect: Dialect;
  readonly before: SignedRoot;
  /** The root that it leads to. */
  readonly root: SignedRoot;
  /** Null for the newest. */
  readonly after: SignedRoot | null;
}

/** Forged copies of the root that a step leads to, by what tells them apart. */
type Forge = (step: Step) => Readonly<Record<string, Uint8Array>>;

export const ROOT_LIES: readonly Tampering[] = [
  tampering("root with one flipped signature bit", ["signature"], ({ root, dialect }) =>
    eachSignature(root, (index) => withFlippedBit(root, index, dialect)),
  ),
  tampering("root with one signature less", ["signature"], ({ root }) =>
    eachSignature(root, (index) => ({ ...root, signatures: root.signatures.toSpliced(index, 1) })),
  ),
  tampering("root signed by the old keys alone", ["signature"], ({ root, before }) =>
    signedOnlyBy(root, keyidsOf(before)),
  ),
  tampering("root signed by the new keys alone", ["signature"], ({ root, before }) =>
    signedOnlyBy(
      root,
      keyidsOf(root).filter((keyid) => !keyidsOf(before).includes(keyid)),
    ),
  ),
  tampering("root with one signature twice for another", ["format", "signature"], ({ root }) =>
    eachSignature(root, (index) => {
      const twice = root.signatures[(index + 1) % root.signatures.length];
      if (twice === undefined || root.signatures.length < 2) return null;
      return { ...root, signatures: root.signatures.with(index, twice) };
    }),
  ),
  tampering("root with other content", ["signature"], ({ root }) => {
    return { "": writeSigned(withOtherContent(root)) };
  }),
  tampering("root that is cut short", ["format"], ({ root }) => {
    return { "": cutShort(writeSigned(root)) };
  }),
  tampering("root that does not end", ["hash"], ({ root }) => ({ "": endless(writeSigned(root)) })),
  tampering("the root after it in its place", ["signature", "version"], ({ after }) =>
    after === null ? {} : { "": writeSigned(after) },
  ),
  tampering("the root before it once more", ["version"], ({ before }) => {
    return { "": writeSigned(before) };
  }),
  {
    name: "a chain that is cut off at a root that has expired",
    about: "root",
    refusedFor: ["expired"],
    lies: cutOff,
  },
];

/** The same for every step of the chain. */
function tampering(name: string, refusedFor: readonly Reason[], forge: Forge): Tampering {
  const lies = (history: History): readonly Lie[] => {
    const { files, holdings } = lastMoment(history);
    const newest = holdings.root?.version ?? 0;
    const rootOf = (version: number): SignedRoot => readSigned(files.get(fileOf(version)));
    return Array.from({ length: newest - 1 }, (_unused, i) => i + 2).flatMap((version) => {
      const after = version === newest ? null : rootOf(version + 1);
      const { dialect } = history;
      const step = { dialect, before: rootOf(version - 1), root: rootOf(version), after };
      return Object.entries(forge(step)).flatMap(([what, forged]) =>
        standingAt(history, version - 1).map((before) =>
          lie(files, version, [`version ${version}`, what], forged, before),
        ),
      );
    });
  };
  return { name, about: "root", refusedFor, lies };
}

function lie(
  files: Files,
  version: number,
  what: readonly string[],
  forged: Uint8Array,
  before: Moment | null,
): Lie {
  const file = fileOf(version);
  const last = { ...NOTHING, root: heldRoot(files.get(fileOf(version - 1))) };
  const holds = refusedAt("timestamp", { holdings: last, files }, before);
  const served = withFiles(files, { [file]: forged });
  const device = before === null ? "to a new device" : "to one that polled before";
  const words = [...what, device].filter((word) => word !== "");
  return { what: words.join(", "), before, files: served, file, holds };
}

function fileOf(version: number): string {
  return `${version}.root.json`;
}

function keyidsOf({ signed }: SignedRoot): readonly string[] {
  return signed.roles.root.keyids;
}

/** Devices that come to the root after `version`: a new one, and one that stands there, if any does. */
function standingAt({ moments }: History, version: number): readonly (Moment | null)[] {
  const polled = MOMENTS.filter((name) => name !== LONG_AGO).map((name) => moments[name]);
  return [null, ...polled.filter(({ holdings }) => holdings.root?.version === version).slice(-1)];
}

function eachSignature(
  { signatures }: SignedRoot,
  change: (index: number) => SignedRoot | null,
): Readonly<Record<string, Uint8Array>> {
  return Object.fromEntries(
    signatures.flatMap(({ keyid }, index) => {
      const changed = change(index);
      return changed === null ? [] : [[`by ${keyid.slice(0, 12)}`, writeSigned(changed)]];
    }),
  );
}

/** Nothing where they are all that signed it anyway. */
function signedOnlyBy(
  root: SignedRoot,
  keyids: readonly string[],
): Readonly<Record<string, Uint8Array>> {
  const signatures = root.signatures.filter(({ keyid }) => keyids.includes(keyid));
  const less = signatures.length > 0 && signatures.length < root.signatures.length;
  return less ? { "": writeSigned({ ...root, signatures }) } : {};
}

/** All is well signed, and there is a root after it that has not expired: but that is withheld. */
function cutOff(history: History): readonly Lie[] {
  const { files, holdings: now } = lastMoment(history);
  // The online roles of the time before it, whose keys it lists.
  const online = history.moments["timestamp refreshed"].files;
  const names = [...files.keys()].filter((name) => name.endsWith(".root.json"));
  const expired = names
    .map((name) => readSigned(files.get(name)).signed)
    .filter(({ expires }) => Date.parse(expires) < Date.now());
  return expired.flatMap(({ version }) => {
    const holdings = { ...now, root: heldRoot(files.get(fileOf(version))) };
    const newer = names.filter((name) => Number.parseInt(name, 10) > version);
    const withheld = Object.fromEntries(newer.map((name) => [name, null]));
    return standingAt(history, version - 1).map((before) => ({
      what: `version ${version}, to ${before === null ? "a new device" : "one that polled before"}`,
      before,
      files: withFiles(new Map([...files, ...online]), withheld),
      file: fileOf(version + 1),
      holds: refusedAt("timestamp", { holdings, files }, before),
    }));
  });
}
