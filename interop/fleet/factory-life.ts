/**
 * A Factory on a server of its own, through restarts and jumps of the service's clock. Foreign clients
 * have the real clock, so the service's is the one that is moved; its schedule does the rest.
 */
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { firstChannel } from "../../lib/tuf/dialect.ts";
import { makeOwner, signerOf, type Owner } from "../../test/support/cli-owner.ts";
import { startServer, type TestServer } from "../../test/support/embedded.ts";
import { readRoot, type FactoryOptions } from "../../test/support/owner.ts";

/** More than a day, the longest that a clock stays in doubt (lib/state/clock.ts); milliseconds. */
const BELIEVED_AFTER = 25 * 3_600_000;

export class FactoryLife {
  #owner: Owner;
  /** The offset of the service's clock; milliseconds. */
  #offset: number;

  private constructor(owner: Owner, offset: number) {
    this.#owner = owner;
    this.#offset = offset;
  }

  /** Bootstraps a Factory, takes the delivery and confirms it, all of it `ago` milliseconds ago. */
  static async begin(name: string, ago: number, options: FactoryOptions): Promise<FactoryLife> {
    const server = await startServer(undefined, -ago);
    try {
      return new FactoryLife(await makeOwner(server, name, options), -ago);
    } catch (error) {
      await server.remove();
      throw error;
    }
  }

  /** With the server as it runs now, which changes as time passes. */
  get owner(): Owner {
    return this.#owner;
  }

  /** The service's time; milliseconds since 1970. */
  get now(): number {
    return Date.now() + this.#offset;
  }

  /** Lets time pass for the service, and its schedule do what is due. */
  async pass(time: number): Promise<void> {
    const { server, env } = this.#owner;
    server.advance(time);
    this.#offset += time;
    // A server that starts runs its schedule, and one that stops waits for it.
    const next: TestServer = await (await server.restart()).restart();
    const address = { ...env, ROOTWARD_SERVER: next.url };
    this.#owner = { ...this.#owner, server: next, env: address };
  }

  /** Sets the service's clock. It is in doubt, and believed once it went on for a day; that day passes, too. */
  async setClock(by: number): Promise<void> {
    this.#owner.server.setClock(by);
    await this.pass(0);
    await this.pass(BELIEVED_AFTER);
  }

  /** The root key in the owner's archive that the current root lists. */
  async rootKey(): Promise<SigningKey> {
    const { server, factory, dialect } = this.#owner;
    const root = await readRoot(server, factory, dialect, firstChannel(dialect));
    return signerOf(this.#owner, root);
  }

  async end(): Promise<void> {
    await this.#owner.server.remove();
  }
}
