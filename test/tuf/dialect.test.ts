/** The channels of each dialect, and which one a request means that names none. */
import { expect, test } from "vitest";
import {
  ALL_CHANNELS,
  channelsOf,
  DIALECTS,
  firstChannel,
  rootMember,
} from "../../lib/tuf/dialect.ts";

test("tuf has main, ats has ci and prod, and the first of them is meant", () => {
  expect(DIALECTS.map((dialect) => channelsOf(dialect))).toEqual([["main"], ["ci", "prod"]]);
  expect(DIALECTS.map((dialect) => firstChannel(dialect))).toEqual(["main", "ci"]);
  expect(DIALECTS.flatMap((dialect) => channelsOf(dialect))).toEqual([...ALL_CHANNELS]);
});

test("on the wire the only channel of tuf goes by the name of ci", () => {
  expect(ALL_CHANNELS.map(rootMember)).toEqual(["ci-root", "ci-root", "prod-root"]);
});
