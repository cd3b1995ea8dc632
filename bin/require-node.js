// Plain JavaScript for any Node since 20. The code is TypeScript that Node 24 runs directly; npm
// installs that Node as the dependency `node`, and npm scripts find it. Called with a file, it runs
// the file; imported, it only checks.
import { resolve } from "node:path";
import { argv, versions } from "node:process";
import { pathToFileURL } from "node:url";

export function requireNode() {
  if (Number(versions.node.split(".")[0]) >= 24) return true;
  console.error(
    `Rootward needs Node 24 and this is ${versions.node}. Run it through npm ("npm start",\n` +
      '"npm run demo", "npx rootward"), which uses the Node 24 that "npm ci" installed. If that is\n' +
      'what you did, npm did not run the install script of the package "node":\n' +
      "  npm rebuild node",
  );
  process.exitCode = 1;
  return false;
}

const [, self, file, ...rest] = argv;
if (self !== undefined && file !== undefined && import.meta.url === pathToFileURL(self).href) {
  if (requireNode()) {
    argv.splice(1, argv.length, resolve(file), ...rest);
    await import(pathToFileURL(file).href);
  }
}
