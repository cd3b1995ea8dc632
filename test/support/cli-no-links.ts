/** Preloaded into a command: the file system has no hard links, as FAT and some network mounts. */
import files from "node:fs";
import promises from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

const refused = (): Error =>
  Object.assign(new Error("EPERM: operation not permitted, link"), { code: "EPERM" });
Reflect.set(promises, "link", () => Promise.reject(refused()));
Reflect.set(files, "linkSync", () => {
  throw refused();
});
syncBuiltinESMExports();
