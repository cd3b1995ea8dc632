/**
 * The state of the memory adapters: their disk, so to say. It outlives the processes (Faults) that use it.
 * Heads are kept as they are encoded, and bytes are copied on their way in and out, so nobody changes what
 * is stored by changing what was handed over.
 */
import type { ClockRecord } from "../../state/clock.ts";
import type { DocumentAddress, Place } from "../../state/documents.ts";
import type { FactoryName } from "../../state/names.ts";
import type { TokenRecord } from "../../service/ports.ts";
import type { Sha256 } from "../../tuf/bytes.ts";
import type { JsonObject } from "../../tuf/json.ts";
import type { ExpectedRoot, KeyRecord, TrustedRoot } from "../../signing/records.ts";
import type { Ceiling, RoleRecord } from "../../signing/role-record.ts";
import { Invariants } from "./invariants.ts";

export interface Message {
  readonly to: string;
  readonly subject: string;
  readonly body: string;
}

export class MemoryState {
  readonly invariants = new Invariants();
  readonly heads = new Map<FactoryName, string>();
  /** By {@link addressKey}. */
  readonly documents = new Map<string, Uint8Array>();
  /** By {@link placeKey}. */
  readonly published = new Map<string, Sha256>();
  readonly shares = new Map<Sha256, Uint8Array>();
  readonly archives = new Map<Sha256, Uint8Array>();
  readonly tokens = new Map<Sha256, TokenRecord>();
  readonly requests = new Map<Sha256, { readonly bodyHash: Sha256; readonly madeAt: number }>();
  /** By message id; a message that is sent again takes its own place. */
  readonly outbox = new Map<string, Message>();
  /** The announcements to programs, by Factory and event id. */
  readonly announced = new Map<string, JsonObject>();
  /** The noted readings of the clock. */
  clock: ClockRecord | null = null;
  /** The signing boundary's own records. */
  readonly signer = {
    keys: new Map<string, KeyRecord>(),
    roots: new Map<string, TrustedRoot>(),
    /** Those that were trusted before, by version. */
    kept: new Map<string, TrustedRoot>(),
    expected: new Map<string, ExpectedRoot>(),
    versions: new Map<string, RoleRecord>(),
    ceilings: new Map<string, Ceiling>(),
  };

  /** The same contents, to go on in two ways from one moment. */
  copy(): MemoryState {
    const copy = new MemoryState();
    copy.clock = this.clock;
    copyInto(copy.heads, this.heads);
    copyInto(copy.documents, this.documents);
    copyInto(copy.published, this.published);
    copyInto(copy.shares, this.shares);
    copyInto(copy.archives, this.archives);
    copyInto(copy.tokens, this.tokens);
    copyInto(copy.requests, this.requests);
    copyInto(copy.outbox, this.outbox);
    copyInto(copy.announced, this.announced);
    copyInto(copy.signer.keys, this.signer.keys);
    copyInto(copy.signer.roots, this.signer.roots);
    copyInto(copy.signer.kept, this.signer.kept);
    copyInto(copy.signer.expected, this.signer.expected);
    copyInto(copy.signer.versions, this.signer.versions);
    copyInto(copy.signer.ceilings, this.signer.ceilings);
    return copy;
  }
}

export function placeKey({ factory, instance, channel, role, version }: Place): string {
  return `${factory} ${instance ?? "-"} ${channel} ${role} ${version}`;
}

export function addressKey(address: DocumentAddress): string {
  return `${placeKey(address)} ${address.sha256}`;
}

function copyInto<K, V>(target: Map<K, V>, source: ReadonlyMap<K, V>): void {
  for (const [key, value] of source) target.set(key, value);
}

export function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}
