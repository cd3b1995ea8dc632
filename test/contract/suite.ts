/** One suite per port: the same tests on every adapter, each test on fresh stores. */
import { afterAll, afterEach, beforeEach, describe } from "vitest";
import { LOCAL_ADAPTERS, type Opened } from "./adapters.ts";
import { aws } from "./aws-adapter.ts";

/** @param tests gets a function that gives the stores of the running test */
export function contract(port: string, tests: (stores: () => Opened) => void): void {
  describe.each([...LOCAL_ADAPTERS, aws])(`${port}: $name`, (adapter) => {
    let opened: Opened | null = null;
    beforeEach(async () => {
      opened = await adapter.open();
    });
    afterEach(async () => {
      opened?.assertInvariants();
      await opened?.remove();
      opened = null;
    });
    afterAll(() => adapter.stop?.());
    tests(() => {
      if (opened === null) throw new Error("no stores outside a test");
      return opened;
    });
  });
}
