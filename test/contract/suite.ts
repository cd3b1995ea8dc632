/** One suite per port: the same tests on every adapter, each test on fresh stores. */
import { afterEach, beforeEach, describe } from "@jest/globals";
import { ADAPTERS, type Opened } from "./adapters.ts";

/** @param tests gets a function that gives the stores of the running test */
export function contract(port: string, tests: (stores: () => Opened) => void): void {
  describe.each(ADAPTERS)(`${port}: $name`, ({ open }) => {
    let opened: Opened | null = null;
    beforeEach(() => {
      opened = open();
    });
    afterEach(() => {
      opened?.assertInvariants();
      opened?.remove();
      opened = null;
    });
    tests(() => {
      if (opened === null) throw new Error("no stores outside a test");
      return opened;
    });
  });
}
