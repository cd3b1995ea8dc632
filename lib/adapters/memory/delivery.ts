/**
 * The stores of a delivery in memory: server shares, sealed archives, an outbox, and events for programs.
 */
import { createHmac, randomBytes } from "node:crypto";
import { announcementOf } from "../../service/messages/announcement.ts";
import { linkMailText, messageId, messageText } from "../../service/messages/mail.ts";
import type {
  Announcement,
  Archives,
  LinkMail,
  MailPlace,
  Message,
  Notifier,
  Shares,
} from "../../service/ports.ts";
import { isSha256, type Sha256 } from "../../tuf/bytes.ts";
import type { Faults } from "./faults.ts";
import { checkLogged } from "./head-rules.ts";
import { copyOf, type MemoryState } from "./state.ts";

export class MemoryShares implements Shares {
  readonly #state: MemoryState;
  readonly #faults: Faults;

  constructor(state: MemoryState, faults: Faults) {
    this.#state = state;
    this.#faults = faults;
  }

  async put(idHash: Sha256, wrapped: Uint8Array): Promise<void> {
    await this.#faults.write("shares.put", idHash, () => {
      const { shares } = this.#state;
      if (!shares.has(idHash)) shares.set(idHash, copyOf(wrapped));
    });
  }

  async get(idHash: Sha256): Promise<Uint8Array | null> {
    return this.#faults.read("shares.get", idHash, () => {
      const wrapped = this.#state.shares.get(idHash);
      return wrapped === undefined ? null : copyOf(wrapped);
    });
  }

  async destroy(idHash: Sha256): Promise<void> {
    await this.#faults.write("shares.destroy", idHash, () => {
      this.#state.shares.delete(idHash);
    });
  }
}

export class MemoryArchives implements Archives {
  readonly #state: MemoryState;
  readonly #faults: Faults;
  readonly #key = randomBytes(32);

  constructor(state: MemoryState, faults: Faults) {
    this.#state = state;
    this.#faults = faults;
  }

  async put(idHash: Sha256, object: Uint8Array): Promise<void> {
    await this.#faults.write("archives.put", idHash, () => {
      this.#state.archives.set(idHash, copyOf(object));
    });
  }

  async presign(idHash: Sha256, until: number): Promise<string> {
    return `memory://archives/${idHash}?until=${until}&mac=${this.#mac(idHash, `${until}`)}`;
  }

  async get(idHash: Sha256): Promise<Uint8Array | null> {
    return this.#faults.read("archives.get", idHash, () => {
      const object = this.#state.archives.get(idHash);
      return object === undefined ? null : copyOf(object);
    });
  }

  async delete(idHash: Sha256): Promise<void> {
    await this.#faults.write("archives.delete", idHash, () => {
      this.#state.archives.delete(idHash);
    });
  }

  /**
   * The archive for a presigned URL; null for a wrong or ended one, and where the object is gone.
   */
  async open(url: string, now: number): Promise<Uint8Array | null> {
    const { pathname, searchParams } = new URL(url);
    const idHash = pathname.slice(1);
    const until = searchParams.get("until") ?? "";
    if (!isSha256(idHash) || !(now < Number(until))) return null;
    if (searchParams.get("mac") !== this.#mac(idHash, until)) return null;
    return this.get(idHash);
  }

  #mac(idHash: string, until: string): string {
    return createHmac("sha256", this.#key).update(`${idHash} ${until}`).digest("base64url");
  }
}

export class MemoryNotifier implements Notifier {
  readonly #state: MemoryState;
  readonly #faults: Faults;

  constructor(state: MemoryState, faults: Faults) {
    this.#state = state;
    this.#faults = faults;
  }

  async sendLink(mail: LinkMail): Promise<MailPlace> {
    await this.#faults.write("notifier.sendLink", mail.factory, () => {
      this.#state.outbox.set(linkId(mail.idHash), { to: mail.email, ...linkMailText(mail) });
    });
    return "outbox";
  }

  async withdrawLink(idHash: Sha256): Promise<void> {
    await this.#faults.write("notifier.withdrawLink", idHash, () => {
      this.#state.outbox.delete(linkId(idHash));
    });
  }

  async notify(message: Message): Promise<void> {
    const { factory, email } = message;
    await this.#faults.write("notifier.notify", factory, () => {
      const text = messageText(message);
      if (text !== null) this.#state.outbox.set(messageId(message), { to: email, ...text });
    });
  }

  async announce(announcement: Announcement): Promise<void> {
    const { factory, event } = announcement;
    await this.#faults.write("notifier.announce", factory, () => {
      checkLogged(announcement, this.#state);
      this.#state.announced.set(`${factory} ${event.id}`, announcementOf(announcement));
    });
  }
}

function linkId(idHash: Sha256): string {
  return `download-${idHash}`;
}
