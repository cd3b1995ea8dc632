/**
 * Repeatable randomness: the same seed and case give the same draws, whatever came before, so one
 * case that draws more (a signature of another length) does not shift all that follow.
 */
import { generator } from "../support/generator.ts";

export class Random {
  /** From 0 up to 1. */
  readonly next: () => number;

  constructor(seed: number, stream = 0) {
    this.next = generator((Math.imul(seed, 0x9e3779b1) ^ Math.imul(stream + 1, 0x85ebca6b)) | 0);
  }

  /** An integer from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.next() * end);
  }

  /** True in one of `n` cases. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(list: readonly T[]): T {
    const [chosen] = list.slice(this.below(list.length));
    if (chosen === undefined) throw new Error("nothing to pick from");
    return chosen;
  }

  shuffled<T>(list: readonly T[]): readonly T[] {
    return list
      .map((item) => [this.next(), item] as const)
      .sort(([a], [b]) => a - b)
      .map(([, item]) => item);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.below(256));
  }
}
