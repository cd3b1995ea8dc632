/**
 * What becomes of a Factory when a database is put back: which one, by what happened since. Each row
 * of the table in docs/operations.md is a case here, told in the same words.
 */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { failing } from "../../lib/adapters/memory/faults.ts";
import type { SigningKey } from "../../lib/crypto/signing-key.ts";
import type { Head } from "../../lib/state/head.ts";
import { allFactories, checkStandings } from "../../lib/service/roots/check-standings.ts";
import { applyUpdate } from "../../lib/service/root-update/apply.ts";
import { cancelUpdate } from "../../lib/service/root-update/cancel.ts";
import { makeOnlineKeys } from "../../lib/service/root-update/make-online-keys.ts";
import { ADMIN_SCOPES } from "../../lib/state/scopes.ts";
import type { Service } from "../../lib/service/service.ts";
import { readVersion } from "../../lib/service/store.ts";
import { submitRoot } from "../../lib/service/roots/submit-root.ts";
import { ONLINE_ROLES } from "../../lib/tuf/dialect.ts";
import { expectConsistent } from "../crash-table/consistent.ts";
import {
  ALICE,
  confirmAs,
  FACTORY,
  newFactory,
  nextRoots,
  rebootstrapOf,
  refusal,
  submitAs,
  takeArchive,
} from "../support/memory-owner.ts";
import { restoreFrom, type Restored } from "../support/memory-restore.ts";
import {
  apiFactory,
  keyOf,
  ownerOf,
  rotateRoot,
  stageRotation,
  start,
} from "../support/memory-root-update.ts";
import { HOUR, TestWorld } from "../support/memory-service.ts";
import { publish as publishFiles } from "../support/memory-targets.ts";

/** Up to the restore. */
interface Life {
  readonly backup: TestWorld;
  readonly now: TestWorld;
  /** Root keys as at the backup, and now. */
  readonly old: SigningKey | null;
  readonly newest: SigningKey | null;
  readonly archive: Uint8Array | null;
}

/** After it, with what the start said. */
interface After extends Life {
  readonly world: TestWorld;
  readonly service: Service;
  readonly said: string;
}

interface Row {
  readonly restored: Restored;
  readonly since: string;
  readonly live: () => Promise<Life>;
  readonly outcome: string;
  readonly prove: (after: After) => Promise<void>;
}

const publish = async (service: Service): Promise<void> => {
  await publishFiles(service, { [`file-${service.now()}`]: "content" });
};

function headOf(world: TestWorld): Head {
  const head = world.head(FACTORY);
  if (head === null) throw new Error("no Factory");
  return head;
}

function given<T>(value: T | null): T {
  if (value === null) throw new Error("this life has none");
  return value;
}

async function makeKeys(service: Service): Promise<void> {
  const principal = await ownerOf(service);
  const request = { factory: FACTORY, principal, txid: "", roles: ONLINE_ROLES } as const;
  await makeOnlineKeys(service, { ...request, keyType: "ed25519" });
}

/** A Factory without a link, in which `before` and then, after the backup, `since` happens. */
function owned(
  since: (service: Service, key: SigningKey, world: TestWorld) => Promise<SigningKey | void>,
  before: (service: Service) => Promise<void> = async () => undefined,
): () => Promise<Life> {
  return async () => {
    const now = new TestWorld();
    const old = keyOf(await apiFactory(now, "tuf"));
    await before(now.start().service);
    const backup = now.copy();
    now.advance(HOUR);
    const newest = (await since(now.start().service, old, now)) ?? old;
    now.advance(HOUR);
    return { backup, now, old, newest, archive: null };
  };
}

/** A Factory with a link. */
function linked(since: (world: TestWorld, link: string) => Promise<Uint8Array | null>) {
  return async (): Promise<Life> => {
    const now = new TestWorld();
    const link = await newFactory(now, "tuf");
    const backup = now.copy();
    const archive = await since(now, link);
    now.advance(HOUR);
    return { backup, now, old: null, newest: null, archive };
  };
}

const LIVES: Readonly<Record<string, () => Promise<Life>>> = {
  "a publication": owned((service) => publish(service)),
  "a root rotation": owned((service, key) => rotateRoot(service, key)),
  "a rotation of online keys": owned((service, key) => rotateRoot(service, key, true)),
  "a rotation, the service killed between the swap and the next signature": owned((_, key, world) =>
    rotateRoot(world.start(failing("signer.advanceTrust")).service, key, true),
  ),
  "a staged update": owned(async (service) => {
    await start(service);
    await makeKeys(service);
  }),
  "a cancelled update": owned(
    async (service) => {
      await cancelUpdate(service, FACTORY, await ownerOf(service));
    },
    async (service) => {
      await start(service);
      await makeKeys(service);
    },
  ),
  "a confirmation": linked(async (world, link) => {
    const archive = await takeArchive(world.start(), link, ALICE);
    await confirmAs(world.start().service, link, ALICE, archive);
    return archive;
  }),
  "bootstrapping again": linked(async (world) => {
    await rebootstrapOf(world.start().service);
    return null;
  }),
};

async function asItWas({ service, world, said }: After): Promise<void> {
  expect(said).toBe("");
  await publish(service);
  await expectConsistent(world);
}

async function comesBack({ service, world, said, newest }: After): Promise<void> {
  expect(said).toMatch(/main has root 1, the signer trusts root 2 \(SHA-256 [0-9a-f]{64}\)/);
  expect(headOf(world).roles.main?.root.version).toBe(2);
  await publish(service);
  await rotateRoot(service, given(newest), true);
  await expectConsistent(world);
}

async function broughtBack({ service, world, now, newest }: After): Promise<void> {
  const root = await readVersion(now.start().service, headOf(now), "main", "root", 2);
  expect(await submitAs(service, "main", root)).toMatchObject({ version: 2, changed: true });
  await publish(service);
  await rotateRoot(service, given(newest), true);
  await expectConsistent(world);
}

async function startsAgain({ service, world, old, said }: After): Promise<void> {
  expect([said, headOf(world).rootUpdate]).toEqual(["", null]);
  await rotateRoot(service, given(old), true);
  await expectConsistent(world);
}

/** Staged, and what it needs is there or not. */
function cancelled(lacksKeys: boolean) {
  return async ({ service, world, old }: After): Promise<void> => {
    const principal = await ownerOf(service);
    if (lacksKeys) {
      await stageRotation(service, given(old));
      const applied = applyUpdate(service, FACTORY, "", principal);
      await expect(applied).rejects.toMatchObject({ code: "root-refused" });
    }
    await cancelUpdate(service, FACTORY, principal);
    await rotateRoot(service, given(old), true);
    await publish(service);
    await expectConsistent(world);
  };
}

async function rotatedToLive({ world, service, archive, said }: After): Promise<void> {
  expect([said, headOf(world).state]).toEqual(["", "provisioned"]);
  const { roots } = await nextRoots({ service }, given(archive));
  for (const [channel, body] of roots) await submitAs(service, channel, body);
  expect(headOf(world).state).toBe("live");
  await expectConsistent(world);
}

async function oldSelf({ world, service, backup, said }: After): Promise<void> {
  expect([said, headOf(world).instance]).toEqual(["", headOf(backup).instance]);
  expect(await refusal(rebootstrapOf(service))).toBe("done");
  await expectConsistent(world);
}

const AS_IT_WAS = "as it was; what was published since is gone";
const UNCHANGED = "nothing: the signer catches up";
const OLD_SELF = "its old self, with the old link: bootstrap it again";
const NOT_LIVE =
  "not live: its owner, who has the archive, rotates it with a token that the operator makes";
const GONE = "the update is gone: start it again";

function row(
  restored: Restored,
  since: string,
  outcome: string,
  prove: (after: After) => Promise<void>,
): Row {
  const live = LIVES[since];
  if (live === undefined) throw new Error(`no life: ${since}`);
  return { restored, since, live, outcome, prove };
}

const ROWS: readonly Row[] = [
  row("service", "a publication", AS_IT_WAS, asItWas),
  row("service", "a root rotation", "the root comes back by itself", comesBack),
  row(
    "service",
    "a rotation of online keys",
    "the root comes back by itself, with metadata signed by its keys",
    comesBack,
  ),
  row(
    "service",
    "a rotation, the service killed between the swap and the next signature",
    "the start names the root; it comes back when its owner sends it from the archive",
    async (after) => {
      expect(after.said).toMatch(/a signed root 2 of main \(SHA-256 [0-9a-f]{64}\) is not current/);
      await broughtBack(after);
    },
  ),
  row("service", "a staged update", GONE, startsAgain),
  row(
    "service",
    "a cancelled update",
    "it is staged again and cannot be applied, since its online keys are destroyed: cancel it again",
    cancelled(true),
  ),
  row("service", "a confirmation", NOT_LIVE, rotatedToLive),
  row("service", "bootstrapping again", OLD_SELF, oldSelf),
  row("signer", "a publication", UNCHANGED, asItWas),
  row("signer", "a root rotation", UNCHANGED, asItWas),
  row(
    "signer",
    "a rotation of online keys",
    "the start names the lost keys; nothing is signed until the owner rotates the online keys again",
    async ({ service, world, newest, said }) => {
      expect(said).toMatch(/the signer lacks the online keys targets [0-9a-f]{64}/);
      await expect(publish(service)).rejects.toMatchObject({ code: "signing-refused" });
      await rotateRoot(service, given(newest), true);
      await publish(service);
      await expectConsistent(world);
    },
  ),
  row(
    "signer",
    "a staged update",
    "its new online keys are lost, so that it cannot be applied: cancel it and start it again",
    cancelled(true),
  ),
  row("signer", "a cancelled update", UNCHANGED, asItWas),
  row("signer", "a confirmation", UNCHANGED, asItWas),
  row(
    "signer",
    "bootstrapping again",
    "the signer does not know the Factory, which the start says: bootstrap it once more",
    async ({ service, world, said }) => {
      expect(said).toContain("the signer does not know this Factory");
      expect(await refusal(rebootstrapOf(service))).toBe("done");
      await expectConsistent(world);
    },
  ),
  row("both", "a publication", AS_IT_WAS, asItWas),
  row(
    "both",
    "a root rotation",
    "devices are ahead: the root comes back when the operator sends it from the owner's archive",
    async ({ service, world, now, newest }) => {
      const body = await readVersion(now.start().service, headOf(now), "main", "root", 2);
      const owner = await ownerOf(service);
      const token = { ...owner.token, user: "admin", scopes: ADMIN_SCOPES, bound: null };
      const principal = { ...owner, token };
      const submission = { factory: FACTORY, channel: "main", body, principal } as const;
      const sent = await submitRoot(service, { ...submission, dryRun: false });
      expect(sent).toMatchObject({ version: 2, changed: true });
      await publish(service);
      await rotateRoot(service, given(newest), true);
      await expectConsistent(world);
    },
  ),
  row(
    "both",
    "a rotation of online keys",
    "the root is refused (422), since its online keys are lost: only the signer's newest records help",
    async ({ service, now }) => {
      const root = await readVersion(now.start().service, headOf(now), "main", "root", 2);
      expect(await refusal(submitAs(service, "main", root))).toBe("root-refused");
    },
  ),
  row("both", "a staged update", GONE, startsAgain),
  row("both", "a cancelled update", "it is staged again: cancel it again", cancelled(false)),
  row("both", "a confirmation", NOT_LIVE, rotatedToLive),
  row("both", "bootstrapping again", OLD_SELF, oldSelf),
];

test.each(ROWS)("$restored, since then $since: $outcome", async ({ restored, live, prove }) => {
  const life = await live();
  const world = restoreFrom(life.now, life.backup, restored);
  const { service } = world.start();
  const said: string[] = [];
  await checkStandings(service, await allFactories(service), (text) => said.push(String(text)));
  const after = { ...life, world, service, said: said.join("\n") };
  await expect(prove(after)).resolves.toBeUndefined();
});

test("the page has these rows and no other", () => {
  const page = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
  const [, section = ""] = page.split("\n## What a restore does\n");
  const [, , ...told] = (section.split("\n## ")[0] ?? "")
    .split("\n")
    .filter((text) => text.startsWith("|"));
  const tested = ROWS.map(
    ({ restored, since, outcome }) => `| ${restored} | ${since} | ${outcome} |`,
  );
  expect(told).toEqual(tested);
});
