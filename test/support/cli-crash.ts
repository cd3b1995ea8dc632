/**
 * Preloaded into a command (`node --import`), so that a test can cut a run at every step that it has. Just
 * before its n-th change of the file system the process is killed, without a last word (CRASH_AT), or the
 * disk takes nothing from then on (FULL_AT).
 */
import { disk } from "./failing-disk.ts";

const crashAt = Number(process.env["CRASH_AT"]);
const fullAt = Number(process.env["FULL_AT"]);
/** Between two of the others nobody can tell whether these were done. */
const WITHIN = ["writeFile", "sync", "run"];
let calls = 0;

disk.plan = ({ name, needsRoom }) => {
  if (WITHIN.includes(name)) return null;
  calls += 1;
  if (calls === crashAt) process.kill(process.pid, "SIGKILL");
  return calls >= fullAt && needsRoom ? "full" : null;
};
