/** A clock that can be moved, for a process that lives in a test: it is `Date` to everything in there. */
const Real = Date;
let offset = 0;

class Moved extends Real {
  constructor(...args: readonly [] | ConstructorParameters<typeof Date>) {
    if (args.length === 0) super(Real.now() + offset);
    else super(...args);
  }

  static override now(): number {
    return Real.now() + offset;
  }
}
globalThis.Date = Moved as typeof Date;

/** @param to milliseconds from the real time */
export function moveClock(to: number): void {
  offset = to;
}
