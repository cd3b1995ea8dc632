/** All root updates that the clients are compared on. Every name is there once. */
import { attackCases } from "./attack-cases.ts";
import { byteCases } from "./byte-cases.ts";
import { goodCases } from "./good-cases.ts";
import { keyCases } from "./key-cases.ts";
import { randomCases, type Randomness } from "./random-cases.ts";
import type { RootCase } from "./root-case.ts";
import { rowCases } from "./rows.ts";

export function corpus(random: Randomness): readonly RootCase[] {
  return [
    ...rowCases(),
    ...goodCases(),
    ...keyCases(),
    ...attackCases(),
    ...byteCases(),
    ...randomCases(random),
  ];
}
