/**
 * The contracts of everything that the service needs of the world. One suite per port (test/contract) holds
 * every adapter to them.
 *
 * Unless a method says otherwise: it is idempotent; when it throws, a write may or may not have been
 * applied; reads of heads are strongly consistent. That is all the state needs of a database:
 * put-if-absent, get, a conditional put of one item, and a query for what is due.
 */
import type { ClockRecord } from "../state/clock.ts";
import type { DocumentAddress, Place, StoredDocument } from "../state/documents.ts";
import type { Reader, Stretch } from "../state/effect.ts";
import type { LoggedEvent } from "../state/event.ts";
import type { Head } from "../state/head.ts";
import type { FactoryName, InstanceId } from "../state/names.ts";
import type { Sha256 } from "../tuf/bytes.ts";
import type { Channel, Dialect, OnlineRole } from "../tuf/dialect.ts";
import type { JsonObject } from "../tuf/json.ts";
import type { KeyId, KeyType } from "../tuf/keys.ts";
import type { MetaEntry } from "../tuf/roles.ts";
import type { PublicKey } from "../tuf/spki.ts";
import type { Scope } from "../state/scopes.ts";

export interface Heads {
  /** Strongly consistent. */
  read(factory: FactoryName): Promise<Head | null>;
  /** @returns false if a Factory of this name exists, and then changes nothing */
  create(head: Head): Promise<boolean>;
  /**
   * The only commit point: stores `next` if the stored revision is still `revision`.
   *
   * @returns false if it is not, and then changes nothing. Repeating the same call after an error
   *   answers false where the first try was applied; service/commit.ts tells the two apart.
   */
  swap(revision: number, next: Head): Promise<boolean>;
  /** Factories whose dueAt is at or before `now`, the longest due first; may lag behind writes. */
  due(now: number, limit: number): Promise<readonly FactoryName[]>;
}

export interface Documents {
  put(document: StoredDocument): Promise<void>;
  get(address: DocumentAddress): Promise<Uint8Array | null>;
  /** Records which document had this place; the first record stays. */
  publish(address: DocumentAddress): Promise<void>;
  published(place: Place): Promise<Sha256 | null>;
}

/** Server shares, wrapped; a store without backups. Destroyed means gone from the medium. */
export interface Shares {
  put(idHash: Sha256, wrapped: Uint8Array): Promise<void>;
  get(idHash: Sha256): Promise<Uint8Array | null>;
  /** After the answer no byte of the share is left in the store's files. */
  destroy(idHash: Sha256): Promise<void>;
}

/**
 * The claimant of each delivery, in a store without backups: a restored database has forgotten it. A claim
 * asks here before it yields an archive, so no restore of the database gives an archive to two claimants.
 */
export interface Claims {
  /** Records the claimant unless one is recorded, durably. @returns the one that is recorded then */
  first(idHash: Sha256, claimantHash: Sha256): Promise<Sha256>;
  /** @returns null where none is recorded, and once the share is destroyed */
  find(idHash: Sha256): Promise<Sha256 | null>;
}

/** Sealed archives; a store without versions or replicas. */
export interface Archives {
  put(idHash: Sha256, object: Uint8Array): Promise<void>;
  /**
   * A URL that yields the object until `until` (milliseconds since 1970), or up to a second less, and
   * to nobody without it.
   */
  presign(idHash: Sha256, until: number): Promise<string>;
  /** For deliveries without a link only: null where there is no such object. */
  get(idHash: Sha256): Promise<Uint8Array | null>;
  delete(idHash: Sha256): Promise<void>;
}

/** Encryption under a key that the database does not hold, bound to a context. */
export interface KeyWrapper {
  /** @param plain 1 to 4096 bytes; some wrap any number */
  wrap(plain: Uint8Array, context: Readonly<Record<string, string>>): Promise<Uint8Array>;
  /** @throws where the context is not the one it was wrapped with */
  unwrap(wrapped: Uint8Array, context: Readonly<Record<string, string>>): Promise<Uint8Array>;
}

/** One bootstrap of one Factory, as the signing boundary knows it. */
export interface FactoryRef {
  readonly factory: FactoryName;
  readonly instance: InstanceId;
  readonly dialect: Dialect;
}

export interface ChannelRef extends FactoryRef {
  readonly channel: Channel;
}

/** The content of a role's document; the boundary builds the document itself. */
export type RoleContent =
  | { readonly role: "targets"; readonly targets: JsonObject }
  | { readonly role: "snapshot"; readonly meta: MetaEntry }
  | { readonly role: "timestamp"; readonly meta: MetaEntry };

export interface SignRequest extends ChannelRef {
  readonly content: RoleContent;
  readonly version: number;
  /** Milliseconds since 1970. */
  readonly expires: number;
  /**
   * The signed root that becomes current together with the document, where there is one: it must
   * follow from the trusted root. It is expected from then on, and not trusted: it may never become
   * current.
   */
  readonly nextRoot?: Uint8Array;
  /** How many versions below the limit must stay free for others; none unless given. */
  readonly spare?: number;
}

/** A root by its version and the SHA-256 of its bytes as they are served. */
export interface RootMark {
  readonly version: number;
  readonly sha256: Sha256;
}

/**
 * The only holder of online keys. It never signs bytes that it was handed and never a root; it is a TUF
 * client of its own service and believes only roots that it verified itself. It refuses with RootwardError
 * `signing-refused`, or `chain-broken` for a root that does not follow. Where a version is the reason, a
 * fact says which may be had: above `last`, the last that was taken; up to `limit`, how far versions may be
 * ahead of the clock; or above `begin`, where a root gives them a new beginning. Where a document describes
 * another than the last that was signed, `unsigned` names the role of that one, and `signed` the version of
 * the last.
 */
export interface SigningBoundary {
  makeKey(ref: FactoryRef, role: OnlineRole, keyType: KeyType): Promise<PublicKey>;
  /** Starts the trust in an instance with all its version 1 roots at once; once only. */
  trustFirstRoots(
    ref: FactoryRef,
    roots: readonly { readonly channel: Channel; readonly bytes: Uint8Array }[],
  ): Promise<void>;
  /** The root that it trusts for a channel. */
  trustedRoot(ref: ChannelRef): Promise<RootMark>;
  /** Verified successors of the trusted root that never were followed, in any order. */
  expectedRoots(ref: ChannelRef): Promise<readonly RootMark[]>;
  /** The trusted root or one before it. UTF-8; null where it is not kept. */
  keptRoot(ref: ChannelRef, version: number): Promise<Uint8Array | null>;
  /** Keeps a root below the trusted one from which the kept root after it follows. */
  keepRoot(ref: ChannelRef, root: Uint8Array): Promise<void>;
  /** Follows the chain from the trusted root through `roots`, in order, and keeps each. */
  follow(ref: ChannelRef, roots: readonly Uint8Array[]): Promise<void>;
  /**
   * Expects `root`, which must follow from the trusted one: from then on no key that it lists is
   * destroyed, until the trusted root reaches its version. Called before the swap that makes it current.
   *
   * @throws RootwardError `too-many-roots` where it expects a fixed number of others
   */
  expect(ref: ChannelRef, root: Uint8Array): Promise<void>;
  /** The online keys of an instance that it holds. */
  heldKeys(ref: FactoryRef): Promise<readonly KeyId[]>;
  /** @returns the signed document, UTF-8; each version of a role is signed at most once */
  sign(request: SignRequest): Promise<Uint8Array>;
  /**
   * Destroys a key that no trusted or expected root of its instance lists in a role. Where an expected
   * one does, the fact `expected` of the refusal is its version.
   */
  destroyKey(ref: FactoryRef, role: OnlineRole, keyid: KeyId): Promise<void>;
  /** Destroys the keys of an instance that are a week old, not among `named`, and not expected. */
  sweepKeys(ref: FactoryRef, named: ReadonlySet<KeyId>): Promise<void>;
  /**
   * Destroys the keys of an instance that never got a head, or has one no more: within an hour of its
   * start, and then its records, too, or once nothing was signed for it for the key retention.
   */
  abandon(ref: FactoryRef): Promise<void>;
}

/** The part of a boundary that a head is compared with. */
export type KnownRoots = Pick<SigningBoundary, "trustedRoot" | "expectedRoots" | "heldKeys">;

/** A root key pair that lives in memory for the length of one bootstrap. */
export interface RootKeyPair {
  readonly publicKey: PublicKey;
  sign(message: Uint8Array): Uint8Array;
  /** The private half as archives hold it: PKCS#1 PEM, or a hex seed. */
  toArchiveText(): string;
}

/** An owner's certificate, to which an archive is encrypted. */
export interface Recipient {
  /** SHA-256 of the certificate (DER). */
  readonly fingerprint: Sha256;
  /** @returns CMS EnvelopedData, DER */
  seal(content: Uint8Array): Uint8Array;
}

export interface TokenRecord {
  /** SHA-256 of the token; the token itself is never stored. */
  readonly hash: Sha256;
  readonly id: string;
  /** fioctl's polis-id. */
  readonly user: string;
  readonly scopes: readonly Scope[];
  /** The one Factory, in the one bootstrap, that it is good for; null for all. */
  readonly bound: { readonly factory: FactoryName; readonly instance: InstanceId } | null;
  /** Milliseconds since 1970; null for never. */
  readonly expiresAt: number | null;
  /** When the bootstrap began, of a record with the scope `delivery`; milliseconds since 1970. */
  readonly madeAt?: number;
  /** Which answer it first came in, where no token made it (state/tokens.ts). */
  readonly issued?: "bootstrap" | "confirmation";
  /** The number of the answer, for a confirmation's token. */
  readonly answer?: number;
  /** The id of the token that made it, where one did. */
  readonly mintedBy?: string;
  /** With the id of the one that made that one, and so on: the nearest first. */
  readonly ancestors?: readonly string[];
}

export interface Tokens {
  put(token: TokenRecord): Promise<void>;
  /** Strongly consistent, like a head: a token that was deleted is found no more. */
  find(hash: Sha256): Promise<TokenRecord | null>;
  /** Those bound to a Factory, of whatever instance and scope; may lag behind writes. */
  list(factory: FactoryName): Promise<readonly TokenRecord[]>;
  delete(hash: Sha256): Promise<void>;
  /**
   * Removes tokens that expired before `before` (milliseconds since 1970). A store that removes them by
   * its own clock, after the retention (state/tokens.ts), does nothing here.
   */
  removeExpired(before: number): Promise<void>;
}

/** Bootstraps that stored something and are named by no head. */
export interface Attempts {
  /**
   * Their records, which have the scope `delivery`. Every commit of before is decided when this answers:
   * one of which nobody knew whether it was applied cannot come back later.
   */
  unnamed(now: number): Promise<readonly TokenRecord[]>;
}

/** The first use of each Idempotency-Key. */
export interface Requests {
  /**
   * Stores `bodyHash` under `keyHash` if nothing is there; answers what is stored then.
   *
   * @param now when; milliseconds since 1970
   */
  first(keyHash: Sha256, bodyHash: Sha256, now: number): Promise<Sha256>;
  /** Removes what was stored before `before`, unless the store does so by its own clock. */
  removeOld(before: number): Promise<void>;
}

/** How many rounds a turn may lose before no further revocation passes it. */
export const LOST_ROUNDS = 3;

/**
 * Turns of those who change one Factory, so that they do not decide in vain and nobody starves. Turns
 * save work and promise nothing: two may have one at once, and the swap of the head stays the only
 * commit point.
 */
export interface Turns {
  /**
   * Runs `work` once it is the turn of `holder`. The schedule goes first; other holders take turns, each
   * with its oldest piece of work.
   *
   * @param holder a token's id, `link`, or `schedule`
   * @param work calls `lost` each time that another change came first
   * @throws RootwardError `busy` with the fact `retryAfter` (seconds) where too much work waits; whatever
   *   `work` throws
   */
  take<T>(
    factory: FactoryName,
    holder: string,
    work: (lost: () => Promise<void>) => Promise<T>,
  ): Promise<T>;
  /**
   * Runs the `work` of a revocation, which needs no signature, without a turn: it does not wait for the
   * holder of the turn, who loses a round to it. Where they lost {@link LOST_ROUNDS} rounds it waits until
   * that turn is over.
   *
   * @param by.holder a token's id; `first` where no other token made it: such revocations wait for no others
   * @param work as for {@link take}
   * @throws RootwardError as for {@link take}
   */
  pass<T>(
    factory: FactoryName,
    by: { readonly holder: string; readonly first: boolean },
    work: (lost: () => Promise<void>) => Promise<T>,
  ): Promise<T>;
}

export interface LinkMail {
  readonly factory: FactoryName;
  readonly email: string;
  readonly idHash: Sha256;
  readonly link: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  /** SHA-256 of the certificate that the archive is encrypted to, or null. */
  readonly recipient: Sha256 | null;
  readonly now: number;
}

/** A file in the outbox; handed to Amazon SES; none, where no sender is configured. */
export type MailPlace = "outbox" | "ses" | "none";

export interface Message {
  readonly factory: FactoryName;
  readonly reader: Reader;
  readonly email: string;
  /** The last event of the stretch, where there is one. */
  readonly event: LoggedEvent;
  /** Where several events share this notice. */
  readonly stretch?: Stretch;
}

/** An event of the audit log, for programs. */
export interface Announcement {
  readonly factory: FactoryName;
  /** The last event of the stretch, where there is one. */
  readonly event: LoggedEvent;
  /** Where several events share this announcement. */
  readonly stretch?: Stretch;
}

export interface Notifier {
  /**
   * At most once: the link is in no store, so it cannot be sent again. Never logs the link.
   *
   * @returns where the mail is now; no port learns whether anybody got it
   */
  sendLink(mail: LinkMail): Promise<MailPlace>;
  /** Removes the mail with the link where it is still in reach. */
  withdrawLink(idHash: Sha256): Promise<void>;
  /** At least once; readers know it by factory and event number. Says nothing where nothing is told. */
  notify(message: Message): Promise<void>;
  /**
   * Tells programs of an event: at least once; they know it by factory and event id. Nothing of it is
   * secret or personal (announcement.ts). Says nothing where no program can listen.
   */
  announce(announcement: Announcement): Promise<void>;
}

/** The part of a notifier that reaches people. */
export type Mailer = Omit<Notifier, "announce">;

export type Report = (what: string, error: unknown, kind?: string) => void;
/** Where readings of a clock are noted (state/clock.ts). */
export interface ClockRecords {
  read(): Promise<ClockRecord | null>;
  /** One process at a time judges the clock, so the last note stays. */
  write(record: ClockRecord): Promise<void>;
}

/** The time, and whether it may be believed. Milliseconds since 1970. */
export interface Clock {
  /** The time, for all that can be undone. */
  now(): number;
  /** A time that has certainly come: before `now` only while the clock is in doubt. */
  floor(): number;
  /** Why the clock is in doubt, in a sentence for operators; null while it is not. */
  doubt(): string | null;
  /** Notes a reading, and reports once that a doubt began or ended. */
  mark(): Promise<void>;
}

export interface Ports {
  readonly heads: Heads;
  readonly documents: Documents;
  readonly shares: Shares;
  /** Left out where a restore makes another installation, whose links are void (Service.linksFrom). */
  readonly claims?: Claims | undefined;
  readonly archives: Archives;
  readonly wrapper: KeyWrapper;
  readonly boundary: SigningBoundary;
  readonly tokens: Tokens;
  /** Left out where a store cannot tell; what a bootstrap left behind stays there then, and opens nothing. */
  readonly attempts?: Attempts | undefined;
  readonly requests: Requests;
  readonly turns: Turns;
  readonly notifier: Notifier;
  /** @throws RootwardError `busy` where too many are being made */
  readonly makeRootKey: (type: KeyType, factory: FactoryName) => Promise<RootKeyPair>;
  /** @throws RootwardError `malformed` for a certificate that is bad, expired or too weak */
  readonly readRecipient: (pem: string, now: number) => Recipient | Promise<Recipient>;
  readonly verify: (key: PublicKey, message: Uint8Array, signature: Uint8Array) => boolean;
  /** Milliseconds since 1970: that of `clock`. */
  readonly now: () => number;
  readonly clock: Clock;
  readonly randomBytes: (length: number) => Uint8Array;
  /**
   * Called with what went wrong in work that nobody waits for; never with a secret.
   *
   * @param kind what repeats of are counted and written at most once a minute (reporting.ts), one of a few
   *   fixed words; without it every call is written
   */
  readonly report: Report;
}
