/**
 * The Factories that a fuzz run attacks: both dialects, just bootstrapped and grown to three root
 * keys of mixed types with threshold 2, ci ahead of prod, and one whose current root has expired.
 * A Fleet is a moment that never changes; what is tried is tried on a copy of its world.
 */
import { SigningKey } from "../../lib/crypto/signing-key.ts";
import { channelsOf, type Channel, type Dialect } from "../../lib/tuf/dialect.ts";
import { bootstrapOf } from "../support/memory-owner.ts";
import { DAY, TestWorld } from "../support/memory-service.ts";
import { readCurrent, submit } from "./door.ts";
import { usable, type FuzzKey, type Pool } from "./keys.ts";
import { nextOf, signedBy, type Moment } from "./roots.ts";

export interface Fleet extends Moment {
  readonly name: string;
  readonly world: TestWorld;
  readonly token: string;
  /** Roots that were once good, as they were sent. */
  readonly past: readonly Uint8Array[];
}

export async function makeFleets(pool: Pool): Promise<readonly Fleet[]> {
  const tuf = await bootstrapped("tuf", pool);
  const ats = await bootstrapped("ats", pool);
  const grownTuf = await grown(tuf);
  const grownAts = await grown(ats);
  const expired = grownTuf.world.copy();
  expired.advance(730 * DAY);
  return [
    tuf,
    { ...grownTuf, name: "tuf, three root keys" },
    ats,
    { ...grownAts, name: "ats, three root keys" },
    { ...(await stepped(grownAts, "ci")), name: "ats, ci ahead of prod" },
    { ...(await movedTo(grownTuf, expired)), name: "tuf, expired" },
  ];
}

/** The fleet as it is in `world`, after `body` was accepted there. */
export async function movedTo(fleet: Fleet, world: TestWorld, body?: Uint8Array): Promise<Fleet> {
  const current = await readRoots(world, fleet.token, fleet.dialect);
  const past = body === undefined ? fleet.past : [...fleet.past, body];
  return { ...fleet, world, current, now: world.now, past };
}

async function bootstrapped(dialect: Dialect, pool: Pool): Promise<Fleet> {
  const [first, ...others] = usable(pool, dialect);
  if (first === undefined) throw new Error("no keys");
  const world = new TestWorld();
  const { service } = world.start();
  const makeRootKey = async () => new SigningKey(first.privateKey);
  const { ownerToken = "" } = await bootstrapOf({ ...service, makeRootKey }, dialect);
  const current = await readRoots(world, ownerToken, dialect);
  const name = `${dialect}, just made`;
  const { now } = world;
  return {
    name,
    dialect,
    world,
    token: ownerToken,
    current,
    now,
    pool: [first, ...others],
    past: [],
  };
}

async function readRoots(
  world: TestWorld,
  token: string,
  dialect: Dialect,
): Promise<ReadonlyMap<Channel, Uint8Array>> {
  const entries = channelsOf(dialect).map(
    async (channel) => [channel, await readCurrent(world, token, channel)] as const,
  );
  return new Map(await Promise.all(entries));
}

/** Three root keys of every type that there is, threshold 2, on every channel. */
async function grown(fleet: Fleet): Promise<Fleet> {
  const of = (kind: FuzzKey["kind"]) => fleet.pool.filter((key) => key.kind === kind);
  const keys = [
    of("ed25519"),
    of("rsa"),
    fleet.dialect === "tuf" ? of("p256") : of("ed25519").slice(1),
  ];
  let next = fleet;
  for (const channel of channelsOf(fleet.dialect)) {
    next = await stepped(
      next,
      channel,
      keys.flatMap((list) => list.slice(0, 1)),
    );
  }
  return next;
}

/** One good root further on a channel. */
async function stepped(
  fleet: Fleet,
  channel: Channel,
  keys: readonly FuzzKey[] | null = null,
): Promise<Fleet> {
  const signed = nextOf(fleet, channel, keys && { keys, threshold: 2 });
  const body = new TextEncoder().encode(JSON.stringify(signedBy(fleet, channel, signed)));
  const world = fleet.world.copy();
  const answer = await submit(world, fleet.token, { channel, dryRun: false, body });
  if (answer.status !== 200) throw new Error(`a good root is refused: ${answer.text}`);
  return movedTo(fleet, world, body);
}
