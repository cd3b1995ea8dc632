/**
 * A crash table: every write of a command, failed in every way. The command runs once without
 * faults to list its writes; then, for each write and each fault, on a fresh world:
 *
 *   1. the command runs and meets the fault (or the process dies)
 *   2. either nothing has changed or everything has, and an answer that came is kept
 *   3. the command is repeated by a new process, and completes
 *   4. the schedule runs, and nothing is left to do
 *
 * One more test per command begins an outage of all writes at each write.
 */
import { describe, expect, it } from "vitest";
import {
  atWrite,
  FAULTS,
  outageFrom,
  type Fault,
  type Plan,
} from "../../lib/adapters/memory/faults.ts";
import { encodeHead, type Head } from "../../lib/state/head.ts";
import { runSchedule } from "../../lib/service/run-schedule.ts";
import { FACTORY } from "../support/memory-owner.ts";
import type { TestWorld } from "../support/memory-service.ts";
import { MEMORY, type Form, type World } from "../support/worlds.ts";
import { expectConsistent } from "./consistent.ts";

/** What one row of the table works on. */
interface Row<F, W> {
  readonly world: W;
  /** What the preparation made. */
  readonly fixture: F;
  /** The head before the command; null where it creates the Factory. */
  readonly before: Head | null;
}

type ProcessOf<W extends World> = Awaited<ReturnType<W["start"]>>;

/** @template W the worlds that it runs on: of the memory form, unless it asks for less of them */
export interface Command<F, A, W extends World = TestWorld> {
  readonly name: string;
  /** Brings a fresh world to where the command starts. @returns data that can be copied */
  prepare(world: W): Promise<F>;
  /** The command. A refusal that is the right answer counts as an answer. */
  run(process: ProcessOf<W>, row: Row<F, W>): Promise<A>;
  /** Asserts that the change is there as a whole; called whenever the head is not as it was. */
  changed(head: Head, row: Row<F, W>): void | Promise<void>;
  /** Asserts that nothing has happened; called whenever the head is as it was. */
  unchanged?(row: Row<F, W>): Promise<void>;
  /** Asserts what an answer promises, at the moment it comes. */
  answered?(answer: A, row: Row<F, W>, process: ProcessOf<W>): Promise<void>;
  /** Asserts what is true when the command failed, but for that one write all is well. */
  failed?(row: Row<F, W>): Promise<void>;
  /** Other people's calls after the fault and before the repetition. */
  between?(process: ProcessOf<W>, row: Row<F, W>): Promise<void>;
  /** Asserts the end: after the repetition and the schedule. */
  finished(types: readonly string[], row: Row<F, W>): Promise<void>;
}

type Outcome<A> =
  | { readonly kind: "answered"; readonly answer: A }
  | { readonly kind: "failed" }
  | { readonly kind: "died" };

/** A command that is ready to be failed. */
interface Table {
  readonly name: string;
  readonly writes: readonly string[];
  expectRow(plan: Plan, cleansUp: boolean): Promise<void>;
}

/** Lists the writes of a command, on the memory form. */
export function tableOf<F, A>(command: Command<F, A>): Promise<Table> {
  return tableOn(MEMORY, command);
}

/** The same on another form. */
export async function tableOn<F, A, W extends World>(
  form: Form<W>,
  command: Command<F, A, W>,
): Promise<Table> {
  const start = await prepare(form, command);
  const fresh = async (): Promise<Row<F, W>> => copyOf(start, form) ?? prepare(form, command);
  const row = await fresh();
  const process = await begin(row.world);
  await command.run(process, row);
  return {
    name: `${command.name}, ${form.name} form`,
    writes: process.faults.writes,
    expectRow: async (plan, cleansUp) => expectRow(command, await fresh(), plan, cleansUp),
  };
}

/** Declares the tests. The outages of all tables run at once: each waits for repeated swaps. */
export function crashTables(tables: readonly Table[]): void {
  describe.each(tables)("crash table: $name", ({ writes, expectRow: expectOne }) => {
    it("writes something", () => {
      expect(writes.length).toBeGreaterThan(1);
    });

    const rows = writes.flatMap((write, at) =>
      FAULTS.map((fault): [number, string, Fault] => [at + 1, write, fault]),
    );
    it.each(rows)("write %i, %s: %s", async (n, _write, fault) => {
      await expectOne(atWrite(n, fault), !fault.startsWith("process dies"));
    });
  });

  it("an outage of all writes that begins at any write", async () => {
    const outages = tables.flatMap((table) =>
      table.writes.map((write, at) => ({ table, write, plan: outageFrom(at + 1) })),
    );
    const broken = await Promise.all(
      outages.map(async ({ table, write, plan }) => {
        try {
          await table.expectRow(plan, false);
          return [];
        } catch (error) {
          return [`${table.name}, from ${write}: ${String(error)}`];
        }
      }),
    );
    expect(broken.flat()).toEqual([]);
  });
}

async function prepare<F, A, W extends World>(
  form: Form<W>,
  command: Command<F, A, W>,
): Promise<Row<F, W>> {
  const world = await form.open();
  const fixture = await command.prepare(world);
  return { world, fixture, before: await world.head(FACTORY) };
}

/** Where worlds can be copied, each row works on a copy of one that was prepared. */
function copyOf<F, W extends World>(
  { world, fixture, before }: Row<F, W>,
  form: Form<W>,
): Row<F, W> | null {
  const copy = form.copy?.(world);
  return copy === undefined ? null : { world: copy, fixture: structuredClone(fixture), before };
}

async function begin<W extends World>(world: W, plan?: Plan): Promise<ProcessOf<W>> {
  return (await world.start(plan)) as ProcessOf<W>;
}

async function expectRow<F, A, W extends World>(
  command: Command<F, A, W>,
  row: Row<F, W>,
  plan: Plan,
  cleansUp: boolean,
): Promise<void> {
  const { world } = row;
  const first = await begin(world, plan);
  const outcome = await attempt(command, first, row);
  await expectWhole(command, row);
  await expectConsistent(world);
  if (outcome.kind === "answered") await command.answered?.(outcome.answer, row, first);
  if (outcome.kind === "failed" && cleansUp) await command.failed?.(row);
  const reached = (await world.head(FACTORY))?.revision ?? 0;
  await command.between?.(await begin(world), row);
  await expectCompletion(command, row);
  expect((await world.head(FACTORY))?.revision).toBeGreaterThanOrEqual(reached);
}

async function attempt<F, A, W extends World>(
  command: Command<F, A, W>,
  process: ProcessOf<W>,
  row: Row<F, W>,
): Promise<Outcome<A>> {
  const run = async (): Promise<Outcome<A>> => {
    try {
      return { kind: "answered", answer: await command.run(process, row) };
    } catch {
      return { kind: "failed" };
    }
  };
  const died = process.faults.died.then((): Outcome<A> => ({ kind: "died" }));
  return Promise.race([run(), died]);
}

/** Nothing changed, or everything. */
async function expectWhole<F, A, W extends World>(
  command: Command<F, A, W>,
  row: Row<F, W>,
): Promise<void> {
  const head = await row.world.head(FACTORY);
  const same = head === null || row.before === null ? head === row.before : equal(head, row.before);
  if (same) await command.unchanged?.(row);
  else if (head !== null) await command.changed(head, row);
}

function equal(a: Head, b: Head): boolean {
  return encodeHead(a) === encodeHead(b);
}

async function expectCompletion<F, A, W extends World>(
  command: Command<F, A, W>,
  row: Row<F, W>,
): Promise<void> {
  const process = await begin(row.world);
  const answer = await command.run(process, row);
  await command.answered?.(answer, row, process);
  await runSchedule(process.service);
  const head = await row.world.head(FACTORY);
  expect(head?.pending).toEqual([]);
  if (head !== null) await command.changed(head, row);
  const types = await expectConsistent(row.world);
  await command.finished(types, row);
  expect(process.reports).toEqual([]);
}
