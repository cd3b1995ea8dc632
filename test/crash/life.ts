/**
 * One Factory's life as its owner knows it: what was acknowledged, what was tried without an answer.
 * Each step is the next thing an owner would do; after a crash the same step is simply done again.
 */
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { readArchive } from "../../lib/archive/archive.ts";
import { archivedKeys } from "../../lib/archive/keys.ts";
import { Client } from "../../lib/cli/client.ts";
import { readRemoteLog } from "../../lib/cli/root/remote-chain.ts";
import type { LogMark } from "../../lib/state/event.ts";
import { verifySignature } from "../../lib/crypto/verify.ts";
import { nextInChain, readTrustedRoot } from "../../lib/tuf/chain.ts";
import type { Root } from "../../lib/tuf/root.ts";
import {
  call,
  claim,
  confirm,
  createFactory,
  fetchArchive,
  firstKey,
  newClaimant,
  rebootstrap,
  repoUrl,
  rotate,
  submit,
  type Rotated,
} from "../support/owner.ts";

export interface Service {
  readonly url: string;
  readonly adminToken: string;
}

const POLICY = { dialect: "tuf", channel: "main", reading: "strict" } as const;

export class Life {
  readonly name: string;
  readonly claimant = newClaimant();
  /** Every private key that this owner ever had, as archives hold them. */
  readonly secrets: string[] = [];
  /** Roots that the service acknowledged, as served, by version. */
  readonly roots = new Map<number, string>();
  state: "new" | "created" | "lost" | "claimed" | "confirmed" = "new";
  /** Steps that were answered, and steps whose answer never came. */
  answered = 0;
  unanswered = 0;
  #link = "";
  #archive: Uint8Array | null = null;
  #key: SigningKey | null = null;
  #sent: Rotated | null = null;
  #mark: LogMark | null = null;
  #trying = false;

  constructor(name: string) {
    this.name = name;
  }

  /** Does the next step. @throws where the service died meanwhile, or where it broke a promise */
  async step(service: Service): Promise<void> {
    this.#trying = true;
    switch (this.state) {
      case "new":
        this.#link = (await createFactory(service, this.name)).link;
        this.state = "created";
        break;
      case "created":
        await this.#claim(service);
        break;
      case "claimed":
        await this.#confirm(service);
        break;
      case "confirmed":
        await this.#rotate(service);
        break;
      case "lost":
        await this.#again(service);
        break;
    }
    this.#trying = false;
    this.answered += 1;
  }

  /** The link never arrived: another one, in the place of the version 1 that is there. */
  async #again(service: Service): Promise<void> {
    const made = await rebootstrap(service, this.name);
    expectStatus(made.status, 201, `bootstrapping ${this.name} again`);
    this.#link = (made.body["delivery"] as { url: string }).url;
    this.state = "created";
  }

  async #claim(service: Service): Promise<void> {
    const granted = await claim(service.url, this.#link, this.claimant);
    expectStatus(granted.status, 200, `claim of ${this.name}`);
    this.state = "claimed";
    this.#archive = await fetchArchive(this.#link, granted);
    const entries = await readArchive(this.#archive);
    this.secrets.push(...archivedKeys(entries).map(({ privateText }) => privateText));
    this.#key = firstKey(entries);
  }

  async #confirm(service: Service): Promise<void> {
    if (this.#archive === null) return this.#claim(service);
    const confirmed = await confirm(service.url, this.#link, this.claimant, this.#archive);
    expectStatus(confirmed.status, 200, `confirmation of ${this.name}`);
    this.state = "confirmed";
    return undefined;
  }

  async #rotate(service: Service): Promise<void> {
    const root = await this.#current(service);
    if (this.#key === null) throw new Error(`${this.name} has no key`);
    // A root that was sent without an answer is sent again as it was.
    const due = this.#sent !== null && this.#sent.signed["version"] === root.version + 1;
    const sent = due && this.#sent !== null ? this.#sent : await rotate(root, this.#key);
    this.#sent = sent;
    this.secrets.push(sent.newKey.toArchiveText());
    const answer = await submit(service, this.name, sent.body);
    expectStatus(answer.status, 200, `root of ${this.name}`);
    await this.#accepted(service, root.version + 1);
  }

  /** The newest root; one that was sent and turns out to be in force counts as accepted. */
  async #current(service: Service): Promise<Root> {
    const response = await this.#read(service, "root.json");
    const root = readTrustedRoot(response, POLICY, verifySignature);
    if (this.#sent?.signed["version"] === root.version) await this.#accepted(service, root.version);
    return root;
  }

  async #accepted(service: Service, version: number): Promise<void> {
    if (this.#sent !== null) this.#key = this.#sent.newKey;
    this.#sent = null;
    this.roots.set(version, text(await this.#read(service, `${version}.root.json`)));
  }

  /** After the server died: the step under way has no answer. */
  interrupted(): void {
    if (this.#trying) this.unanswered += 1;
    this.#trying = false;
  }

  /** Holds everything that was acknowledged against what the service says now. */
  async verify(service: Service): Promise<void> {
    const state = await call(`${service.url}/ota/factories/${this.name}/`, {
      token: service.adminToken,
    });
    if (this.state === "new") {
      if (state.status === 404) return;
      // Created, but the answer with the link was lost: whole, and to be bootstrapped again by the next step.
      this.state = "lost";
    }
    expectStatus(state.status, 200, `state of ${this.name}`);
    const client = new Client({ server: service.url, token: service.adminToken });
    this.#mark = (await readRemoteLog(client, this.name, this.#mark)).end;
    if (this.state === "lost") return;
    await this.#verifyDelivery(service, state.body["state"]);
    await this.#verifyChain(service);
  }

  async #verifyDelivery(service: Service, state: unknown): Promise<void> {
    if (this.state === "claimed" || this.state === "confirmed") {
      const stranger = await claim(service.url, this.#link, newClaimant());
      expectStatus(stranger.status, 410, `second claim of ${this.name}`);
    }
    const device = await fetch(`${service.url}/repo/${this.name}/main/timestamp.json`);
    if (this.state === "confirmed") {
      expectStatus(device.status, 200, `timestamp of ${this.name}`);
      if (state !== "live") throw new Error(`${this.name} is not live`);
    } else if (state !== "live") {
      expectStatus(device.status, 404, `timestamp of ${this.name} before it is live`);
    }
  }

  async #verifyChain(service: Service): Promise<void> {
    let root = readTrustedRoot(await this.#read(service, "1.root.json"), POLICY, verifySignature);
    const newest = readTrustedRoot(await this.#read(service, "root.json"), POLICY, verifySignature);
    for (const [version, bytes] of this.roots) {
      if (text(await this.#read(service, `${version}.root.json`)) !== bytes) {
        throw new Error(`root ${version} of ${this.name} is not the one that was acknowledged`);
      }
    }
    while (root.version < newest.version) {
      const bytes = await this.#read(service, `${root.version + 1}.root.json`);
      root = nextInChain(root, bytes, POLICY, verifySignature).root;
    }
  }

  async #read(service: Service, file: string): Promise<Uint8Array> {
    const response = await fetch(repoUrl(service.url, this.name, file), {
      headers: { "OSF-TOKEN": service.adminToken },
    });
    expectStatus(response.status, 200, `${file} of ${this.name}`);
    return new Uint8Array(await response.arrayBuffer());
  }
}

/** A promise of the service that was broken, as opposed to a server that died. */
export class BrokenPromise extends Error {}

function expectStatus(got: number, expected: number, what: string): void {
  // The signer is gone a moment before the rest: that nothing was acknowledged is said, too.
  if (got === 503) throw new Error(`${what}: the service is going away`);
  if (got !== expected) throw new BrokenPromise(`${what}: expected ${expected}, got ${got}`);
}

function text(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
