import { expect, it } from "vitest";
import { contract } from "./suite.ts";

contract("clock records", (stores) => {
  it("keep the last note, with and without a counter and a doubt", async () => {
    const { clock } = stores();
    expect(await clock.read()).toBeNull();
    const trusted = { at: 1_764_000_000_000, uptime: 12_345.5 };
    const uncounted = { at: 1_764_000_060_000, uptime: null };
    const notes = [
      { trusted, doubt: null },
      { trusted, doubt: { since: uncounted, last: trusted } },
      { trusted: uncounted, doubt: null },
    ];
    for (const note of notes) {
      await clock.write(note);
      expect(await clock.read()).toEqual(note);
    }
  });
});
