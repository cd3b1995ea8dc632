/**
 * The rules that every write of the service keeps, whatever fails around it. The memory adapters
 * throw when one is broken, and remember it: the service may take the error for a failed write and
 * try again, so a test asks {@link Invariants.assertInvariants} at its end.
 */

export class InvariantError extends Error {
  constructor(message: string) {
    super(`invariant broken: ${message}`);
    this.name = "InvariantError";
  }
}

export class Invariants {
  #broken: InvariantError | null = null;

  /** @throws InvariantError unless `holds` */
  expect(holds: boolean, message: string): void {
    if (holds) return;
    const error = new InvariantError(message);
    this.#broken ??= error;
    throw error;
  }

  /** @throws InvariantError the first that was broken since the beginning */
  assertInvariants(): void {
    if (this.#broken !== null) throw this.#broken;
  }
}
