/**
 * The devices of one channel. After every moment of the story one polls that polled all along, twice,
 * and one from the factory floor; at the end all polls that polled at some moment and never since.
 * Each must end at exactly what the owner reads of that channel.
 */
import type { Channel, Dialect } from "../../lib/tuf/dialect.ts";
import type { Owner } from "../../test/support/cli-owner.ts";
import type { ForeignClient } from "./foreign-client.ts";
import { firstRoot, type History } from "./lie.ts";
import { deviceUrl, recordMoment, type Moment } from "./moment.ts";
import { LONG_AGO, MOMENTS, type MomentName, type Scene } from "./story.ts";
import { follows } from "./trial.ts";

export class Fleet {
  readonly name: string;
  readonly problems: string[] = [];
  polls = 0;
  readonly #client: Pick<ForeignClient, "poll">;
  readonly #dialect: Dialect;
  readonly #channel: Channel;
  readonly #folderOf: (device: string) => string;
  readonly #moments = new Map<MomentName, Moment>();

  /** @param folderOf the folder of a device, made where it is not there */
  constructor(
    client: Pick<ForeignClient, "poll">,
    factory: { readonly name: string; readonly dialect: Dialect },
    channel: Channel,
    folderOf: (device: string) => string,
  ) {
    this.name = `${factory.name} ${channel}`;
    this.#client = client;
    this.#dialect = factory.dialect;
    this.#channel = channel;
    this.#folderOf = folderOf;
  }

  /** All that was published in the whole story. */
  get history(): History {
    const moments = Object.fromEntries(this.#moments) as Record<MomentName, Moment>;
    return { name: this.name, dialect: this.#dialect, moments };
  }

  async live({ moment, owner }: Scene): Promise<void> {
    const now = await recordMoment(owner, this.#channel);
    this.#moments.set(moment, now);
    if (moment === LONG_AGO) return;
    const late = moment === MOMENTS.at(-1) ? MOMENTS.filter((name) => name !== LONG_AGO) : [moment];
    for (const device of ["every time", "every time", ...late]) {
      await this.#poll(owner, now, device, moment);
    }
  }

  async #poll(owner: Owner, now: Moment, device: string, moment: MomentName): Promise<void> {
    const root = firstRoot(this.history);
    const folder = this.#folderOf(`${this.name}, ${device}`);
    const url = deviceUrl(owner, this.#channel);
    const answer = await this.#client.poll({ folder, url, root });
    this.polls += 1;
    const when = `${this.name}: device "${device}", moment "${moment}"`;
    this.problems.push(...follows(when, now.holdings, answer));
  }
}
