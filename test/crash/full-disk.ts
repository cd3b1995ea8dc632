/**
 * Fills the disk of the embedded form at every step of a claim, a confirmation, a bootstrap and a root, one
 * step at a time: for that step alone, from there on, and with errors of the disk of which nobody knows
 * whether the write was done. Holds the service to what it may answer then, and to what is left afterwards.
 * By hand: `node test/crash/full-disk.ts bootstrap`.
 */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import { disk, type DiskFault, type DiskPlan } from "../support/failing-disk.ts";
import { startServer, type TestServer } from "../support/embedded.ts";
import {
  call,
  claim,
  confirm,
  createFactory,
  fetchArchive,
  firstKey,
  newClaimant,
  readRoot,
  rotate,
  submit,
  takeOver,
  type Answer,
} from "../support/owner.ts";

/** How the disk fails. */
const MODES = {
  "full at this step": (n: number) => failingAt((nth) => nth === n, "full"),
  "full from this step on": (n: number) => failingAt((nth) => nth >= n, "full"),
  "an error at this step": (n: number) => failingAt((nth) => nth === n, "error"),
  "an error after this step": (n: number) => failingAt((nth) => nth === n, "error after"),
  "errors from this step on": (n: number) => failingAt((nth) => nth >= n, "error"),
} as const;
type Mode = keyof typeof MODES;

interface Counted {
  readonly plan: DiskPlan;
  readonly calls: string[];
}

/** Temporary files that could not be removed. */
const unremoved = new Set<string>();

function failingAt(isDue: (nth: number) => boolean, fault: DiskFault): Counted {
  const calls: string[] = [];
  const plan: DiskPlan = ({ name, needsRoom, subject }) => {
    // A connection is closed where its transaction could not be rolled back, which never fails.
    if (name === "close") return null;
    calls.push(name);
    if (!isDue(calls.length)) return null;
    if (name === "rm" && fault === "error" && subject.endsWith(".tmp")) {
      unremoved.add(basename(subject));
    }
    return fault === "full" && !needsRoom ? null : fault;
  };
  return { plan, calls };
}

/** What a command works on. */
interface Ready {
  /** Sends the command; also again. */
  send(): Promise<Answer>;
  /** Holds the end to what the command promises, after it was answered with success. */
  finished(answer: Answer): Promise<void>;
  /** What must be true after a refusal. */
  refused?(mode: Mode): Promise<void>;
}

type Command = (server: TestServer, factory: string) => Promise<Ready>;

/** Which files hold secrets of deliveries, and which rows are about a Factory. */
function remains({ data, outbox }: TestServer, factory: string) {
  const rows = (file: string, sql: string): unknown => {
    const database = new DatabaseSync(join(data, file), { readOnly: true });
    try {
      return database.prepare(sql).get(factory)?.["n"];
    } finally {
      database.close();
    }
  };
  return {
    shares: filesIn(join(data, "shares")).length,
    archives: filesIn(join(data, "archives")).length,
    mails: readdirSync(outbox).length,
    tokens: rows(
      "rootward.db",
      "SELECT count(*) AS n FROM tokens WHERE body ->> '$.bound.factory' = ?",
    ),
    keys: rows(
      join("signer", "signer.db"),
      "SELECT count(*) AS n FROM signer_keys WHERE factory = ?",
    ),
  };
}

/** Without temporary files whose removal failed: they are left to the next start. */
function filesIn(folder: string): readonly string[] {
  return readdirSync(folder).filter((name) => !unremoved.has(name));
}

const bootstrapping: Command = async (server, factory) => {
  const owner = { id: "owner", email: "owner@example.com" };
  const before = remains(server, factory);
  const send = (): Promise<Answer> =>
    call(`${server.url}/ota/factories/`, {
      token: server.adminToken,
      body: { name: factory, dialect: "tuf", keyType: "ed25519", owner },
      headers: { "Idempotency-Key": factory },
    });
  return {
    send,
    refused: async (mode) => {
      const state = await call(`${server.url}/ota/factories/${factory}/`, {
        token: server.adminToken,
      });
      if (state.status !== 404 || mode.includes("errors from")) return;
      const { keys, tokens, ...secrets } = remains(server, factory);
      const { keys: _keys, tokens: _tokens, ...none } = before;
      assert.deepEqual(secrets, none);
      // Rows can be deleted only on a disk that takes something; then a later run does it.
      if (mode !== "full from this step on") assert.deepEqual([keys, tokens], [0, 0]);
    },
    finished: async ({ body }) => {
      // A swap whose answer was lost is asked about until it is known, so its own request gets the link.
      await takeOver(server.url, String((body["delivery"] as { url?: string }).url));
    },
  };
};

const claiming: Command = async (server, factory) => {
  const { link } = await createFactory(server, factory);
  const claimant = newClaimant();
  return {
    send: () => claim(server.url, link, claimant),
    finished: async (answer) => {
      const archive = await fetchArchive(link, answer);
      assert.equal((await claim(server.url, link, newClaimant())).status, 410);
      assert.equal((await confirm(server.url, link, claimant, archive)).status, 200);
    },
  };
};

const confirming: Command = async (server, factory) => {
  const before = remains(server, factory);
  const { link } = await createFactory(server, factory);
  const claimant = newClaimant();
  const archive = await fetchArchive(link, await claim(server.url, link, claimant));
  return {
    send: () => confirm(server.url, link, claimant, archive),
    finished: async ({ body }) => {
      const token = String(body["ownerToken"]);
      const state = await call(`${server.url}/ota/factories/${factory}/`, { token });
      assert.deepEqual([state.status, state.body["state"]], [200, "live"]);
      const after = remains(server, factory);
      assert.deepEqual([after.shares, after.archives], [before.shares, before.archives]);
    },
  };
};

const submitting: Command = async (server, factory) => {
  const { link } = await createFactory(server, factory);
  const { entries } = await takeOver(server.url, link);
  const key: SigningKey = firstKey(entries);
  const next = await rotate(await readRoot(server, factory, "tuf", "main"), key);
  return {
    send: () => submit(server, factory, next.body),
    finished: async () => {
      const root = await readRoot(server, factory, "tuf", "main");
      assert.equal(root.version, 2);
      const again = await rotate(root, next.newKey);
      assert.equal((await submit(server, factory, again.body)).status, 200);
    },
  };
};

const COMMANDS: Readonly<Record<string, Command>> = {
  bootstrap: bootstrapping,
  claim: claiming,
  confirm: confirming,
  root: submitting,
};

function expectRefusal({ status, body }: Answer): void {
  assert.deepEqual([status, body["code"]], [503, "storage-unavailable"]);
  assert.match(String(body["message"]), /^the service cannot store anything: /);
}

/** @returns the steps of the command, and what was broken */
export async function failAtEveryStep(name: string) {
  const command = COMMANDS[name];
  if (command === undefined) throw new Error(`there is no command ${name}`);
  let server = await startServer();
  try {
    const counting = failingAt(() => false, "full");
    const { finished } = await run(await command(server, "counted"), "full at this step", counting);
    assert.ok(finished, "it fails without a fault");
    const broken: string[] = [];
    for (const mode of Object.keys(MODES) as Mode[]) {
      for (let n = 1; n <= counting.calls.length; n += 1) {
        const where = `${mode}, ${n}: ${counting.calls[n - 1]}`;
        try {
          const ready = await command(server, `${name}-${Object.keys(MODES).indexOf(mode)}-${n}`);
          await run(ready, mode, MODES[mode](n));
        } catch (error) {
          broken.push(
            `${where}: ${String(error)} ${process.env["LOG"] ? server.log.slice(-3).join("; ") : ""}`,
          );
        }
      }
    }
    // Online keys are kept for that long, whoever made them.
    server.advance(36 * 86_400_000);
    server = await server.restart();
    const left = await leftBehind(server);
    return { steps: counting.calls, broken: [...broken, ...left] };
  } finally {
    disk.plan = () => null;
    await server.remove();
  }
}

/** What belongs to no Factory's bootstrap, once the first run of the schedule had the time to remove it. */
async function leftBehind({ data }: TestServer): Promise<readonly string[]> {
  const instances = (file: string, sql: string): readonly unknown[] => {
    const database = new DatabaseSync(join(data, file), { readOnly: true });
    try {
      return database
        .prepare(sql)
        .all()
        .map((row) => row["instance"]);
    } finally {
      database.close();
    }
  };
  let left: readonly string[] = [];
  for (let tries = 0; tries < 200; tries += 1) {
    const heads = instances("rootward.db", "SELECT body ->> '$.instance' AS instance FROM heads");
    const tokens = instances(
      "rootward.db",
      "SELECT body ->> '$.bound.instance' AS instance FROM tokens WHERE body ->> '$.bound' IS NOT NULL",
    ).filter((one) => !heads.includes(one));
    const keys = instances(
      join("signer", "signer.db"),
      "SELECT DISTINCT instance FROM signer_keys",
    ).filter((one) => !heads.includes(one));
    const files = [...readdirSync(join(data, "shares")), ...readdirSync(join(data, "archives"))];
    left = [
      ...tokens.map((one) => `token of ${String(one)}`),
      ...keys.map((one) => `key of ${String(one)}`),
      ...files.map((one) => `file ${one}`),
    ];
    if (left.length === 0) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return left;
}

/** Runs it on the failing disk, and again once the disk is well. */
async function run(ready: Ready, mode: Mode, { plan }: Counted) {
  disk.plan = plan;
  let answer = await ready.send();
  disk.plan = () => null;
  const finished = answer.status < 300;
  if (!finished) {
    expectRefusal(answer);
    await ready.refused?.(mode);
    // A database that could not be opened is tried again after a second.
    for (let tries = 0; tries < 20; tries += 1) {
      answer = await ready.send();
      if (answer.status !== 503) break;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(answer.status < 300, `again: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  await ready.finished(answer);
  return { finished };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(JSON.stringify(await failAtEveryStep(process.argv[2] ?? ""), null, 1));
}
