/** `rootward targets list`: the targets in force, as the service tells them; nothing is verified here. */
import * as v from "valibot";
import { listTargets, targetEntry } from "../../api/targets.ts";
import { RootwardError } from "../../error.ts";
import { show } from "../../tuf/show.ts";
import { isTargetName } from "../../tuf/target-entries.ts";
import { column, line, type Line } from "../../text/line.ts";
import { byteSize } from "../serve/byte-size.ts";
import type { Client } from "../client.ts";
import type { Terminal } from "../terminal.ts";

/** A later service may add members to an entry. */
const listedTarget = v.object({
  length: targetEntry.entries.length,
  hashes: v.object({ sha256: targetEntry.entries.hashes.entries.sha256 }),
});

export async function targetsList(
  client: Client,
  terminal: Terminal,
  factory: string,
): Promise<void> {
  const answer = await client.call(listTargets, { factory });
  const rows = Object.entries(answer.targets).map(([name, target]) => {
    const entry = v.safeParse(listedTarget, target);
    if (!entry.success || !isTargetName(name)) {
      throw new RootwardError("server-refused", `target ${show(name)} is not described as one`);
    }
    const { length, hashes } = entry.output;
    const size = length < 1000 ? byteSize(length) : `${byteSize(length)} (${length})`;
    return [name, size, `${hashes.sha256.slice(0, 16)}...`];
  });
  const count = rows.length === 1 ? "1 target" : `${rows.length} targets`;
  terminal.result({ factory, ...answer }, [
    line`${factory} ${answer.channel}: targets version ${answer.version}, until ${answer.expires}, ${count}`,
    ...(rows.length === 0 ? [] : table([["name", "length", "sha256"], ...rows])),
  ]);
}

const WIDEST = 60;

function table(rows: readonly (readonly string[])[]): readonly Line[] {
  const widths = [0, 1].map((at) =>
    Math.min(WIDEST, Math.max(...rows.map((row) => row[at]?.length ?? 0))),
  );
  return rows.map(([name = "", size = "", hash = ""]) => {
    const [first = 0, second = 0] = widths;
    return line`  ${column(name, first)}  ${column(size, second)}  ${hash}`;
  });
}
