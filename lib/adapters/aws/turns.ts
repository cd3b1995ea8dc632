/**
 * Turns between functions that run at once: a short lease in DynamoDB, for a run that has lost a race.
 *
 * A change that meets nobody pays one read. A change that lost takes the lease, and those that come then
 * wait until it is given back or has expired; so it can lose only to those that were under way already. The
 * schedule waits for nobody, and takes the lease away from others. A holder that is cut off delays others
 * for as long as the lease lasts. A run that waits too long is refused, since each waiting run costs.
 *
 * A revocation takes no lease and waits for none, unless the lease counts several lost rounds. Revocations
 * that lose to one another pause at random; those that go first do not.
 *
 * The lease promises nothing: a clock that is wrong, or a lease that expired, costs lost rounds only.
 */
import { PutItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { RootwardError } from "../../error.ts";
import type { FactoryName } from "../../state/names.ts";
import { LOST_ROUNDS, type Turns } from "../../service/ports.ts";
import { toHex } from "../../tuf/bytes.ts";
import { conditional, numberAttribute, Table, type Item } from "./table.ts";

export interface TurnTimes {
  /** How long a lease lasts, in milliseconds: longer than a publication takes. */
  readonly lease: number;
  /** How long a change waits for its turn, in milliseconds. */
  readonly patience: number;
  /** The longest pause between two looks, in milliseconds. */
  readonly pause: number;
}

const TIMES: TurnTimes = { lease: 4000, patience: 8000, pause: 200 };
const SCHEDULE = "schedule";
/** When a refused request may come again, in seconds. */
const RETRY_AFTER = 5;

export interface DynamoTurnsOptions {
  readonly client: DynamoDBClient;
  /** The name of one laid out as MAIN_TABLE (tables.ts). */
  readonly table: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly times?: TurnTimes;
}

interface Lease {
  readonly id: string;
  /** How many rounds its holder has lost. */
  readonly lost: number;
}

export class DynamoTurns implements Turns {
  readonly #table: Table;
  readonly #now: () => number;
  readonly #randomBytes: (length: number) => Uint8Array;
  readonly #times: TurnTimes;

  constructor({ client, table, now, randomBytes, times = TIMES }: DynamoTurnsOptions) {
    this.#table = new Table(client, table);
    this.#now = now;
    this.#randomBytes = randomBytes;
    this.#times = times;
  }

  async take<T>(
    factory: FactoryName,
    holder: string,
    work: (lost: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const lease = { id: toHex(this.#randomBytes(16)), lost: 0 };
    if (holder !== SCHEDULE) await this.#until(factory, () => this.#isFree(factory));
    try {
      return await work(async () => {
        lease.lost += 1;
        await this.#until(factory, () => this.#acquire(factory, lease, holder === SCHEDULE));
      });
    } finally {
      // One that is not given back expires.
      if (lease.lost > 0)
        await this.#put(factory, { ...lease, until: 0 }, false).catch(() => false);
    }
  }

  async pass<T>(
    factory: FactoryName,
    { first }: { readonly holder: string; readonly first: boolean },
    work: (lost: () => Promise<void>) => Promise<T>,
  ): Promise<T> {
    const begin = () => this.#until(factory, () => this.#isFree(factory, LOST_ROUNDS));
    await begin();
    return work(async () => {
      if (!first) await this.#pause();
      await begin();
    });
  }

  /** @throws RootwardError `busy` where `isMyTurn` stays false for too long */
  async #until(factory: FactoryName, isMyTurn: () => Promise<boolean>): Promise<void> {
    const { patience } = this.#times;
    // By elapsed time: the clock may be moved.
    for (const start = performance.now(); performance.now() - start < patience;) {
      if (await isMyTurn()) return;
      await this.#pause();
    }
    throw new RootwardError(
      "busy",
      `too many changes of Factory ${factory} are waiting: try again in ${RETRY_AFTER} s`,
      { facts: { retryAfter: RETRY_AFTER } },
    );
  }

  /** At random: those that wait must not all come back at once. */
  async #pause(): Promise<void> {
    const { pause } = this.#times;
    await new Promise((resolve) => setTimeout(resolve, (0.5 + Math.random() / 2) * pause));
  }

  /** @param lost how many rounds the holder of a lease must have lost for it to count; any unless given */
  async #isFree(factory: FactoryName, lost = 0): Promise<boolean> {
    const item = await this.#table.get(keyOf(factory));
    // Earlier releases did not count.
    if (item === null || Number(item["lost"]?.N ?? 1) < lost) return true;
    const left = numberAttribute(item, "until") - this.#now();
    // One that ends later than any lease can was written by a clock that was wrong.
    return left <= 0 || left > 2 * this.#times.lease;
  }

  #acquire(factory: FactoryName, lease: Lease, always: boolean): Promise<boolean> {
    return this.#put(factory, { ...lease, until: this.#now() + this.#times.lease }, always);
  }

  /** @param always also where somebody else has the lease */
  #put(
    factory: FactoryName,
    { id, lost, until }: Lease & { readonly until: number },
    always: boolean,
  ): Promise<boolean> {
    const now = this.#now();
    const command = new PutItemCommand({
      TableName: this.#table.name,
      Item: {
        ...keyOf(factory),
        lease: { S: id },
        lost: { N: `${lost}` },
        until: { N: `${until}` },
      },
      ...(!always && {
        ConditionExpression:
          "attribute_not_exists(#until) OR #until < :now OR #until > :never OR #lease = :lease",
        ExpressionAttributeNames: { "#until": "until", "#lease": "lease" },
        ExpressionAttributeValues: {
          ":now": { N: `${now}` },
          ":never": { N: `${now + 2 * this.#times.lease}` },
          ":lease": { S: id },
        },
      }),
    });
    return conditional(this.#table.client.send(command));
  }
}

function keyOf(factory: FactoryName): Item {
  return { pk: { S: `factory#${factory}` }, sk: { S: "turn" } };
}
