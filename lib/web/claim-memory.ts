/**
 * The memory of this browser about a link: the claimant that it drew, so that a reload, another tab or a
 * restart goes on with the same claim, and whether it finished. Known by a hash of the link's id, so that
 * what lies here claims nothing by itself.
 *
 * In IndexedDB, not in localStorage: two tabs that begin at once must draw one claimant, which takes
 * a transaction, and it must be on the disk before the claim is sent. Where the browser keeps
 * nothing, this page alone remembers.
 */
import { sha256Text, toBase64Url } from "../tuf/bytes.ts";

interface ClaimNote {
  readonly claimant: string;
  /** RFC 3339; null until the service confirmed. The claimant is of no more use then. */
  readonly confirmedAt: string | null;
}

export interface ClaimMemory {
  /** Whether it outlives this page. */
  readonly lasting: boolean;
  /** Null before the first {@link begin}. */
  known(): Promise<ClaimNote | null>;
  /** The note of this link, its claimant drawn if there is none. */
  begin(): Promise<ClaimNote>;
  /** Forgets the claimant and keeps when it was. */
  finish(confirmedAt: string): Promise<void>;
}

const STORE = "claims";

export async function openMemory(id: string): Promise<ClaimMemory> {
  const key = sha256Text(id).slice(0, 32);
  try {
    const database = await openDatabase();
    return lastingMemory(database, key);
  } catch {
    return pageMemory();
  }
}

function lastingMemory(database: IDBDatabase, key: string): ClaimMemory {
  const change = <T extends ClaimNote | null>(next: (note: ClaimNote | null) => T): Promise<T> =>
    inTransaction(database, key, next);
  return {
    lasting: true,
    known: () => change((note) => note),
    begin: async () => change((note) => note ?? drawn()),
    finish: async (confirmedAt) => void (await change(() => ({ claimant: "", confirmedAt }))),
  };
}

function pageMemory(): ClaimMemory {
  let note: ClaimNote | null = null;
  return {
    lasting: false,
    known: async () => note,
    begin: async () => (note ??= drawn()),
    finish: async (confirmedAt) => {
      note = { claimant: "", confirmedAt };
    },
  };
}

function drawn(): ClaimNote {
  const claimant = toBase64Url(crypto.getRandomValues(new Uint8Array(24)));
  return { claimant, confirmedAt: null };
}

async function openDatabase(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open("rootward", 1);
    request.addEventListener("upgradeneeded", () => request.result.createObjectStore(STORE));
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(new Error("nothing can be kept here")));
  });
}

/** Reads the note and writes the next one before any other tab can; done when it is on the disk. */
async function inTransaction<T extends ClaimNote | null>(
  database: IDBDatabase,
  key: string,
  next: (note: ClaimNote | null) => T,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(STORE, "readwrite", { durability: "strict" });
    const store = transaction.objectStore(STORE);
    const reading = store.get(key) as IDBRequest<ClaimNote | undefined>;
    reading.addEventListener("success", () => {
      const before = reading.result ?? null;
      const after = next(before);
      if (after !== null && after !== before) store.put(after, key);
      transaction.addEventListener("complete", () => resolve(after));
    });
    transaction.addEventListener("abort", () =>
      reject(new Error("this browser could not note the download; nothing was used up")),
    );
  });
}
