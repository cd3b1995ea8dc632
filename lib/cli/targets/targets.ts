/**
 * `rootward targets add` and `remove`: the entries of target files, never the files, which stay where
 * devices download them. Everything that can be refused is looked at before the first file is hashed,
 * and all files are hashed before anything is sent: then it is one request, and all of it or nothing.
 */
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import type * as v from "valibot";
import { publishTargets } from "../../api/targets.ts";
import { isRootwardError, RootwardError } from "../../error.ts";
import { errorCode } from "../../files.ts";
import { encodeJson } from "../../tuf/canonical.ts";
import { isJsonObject, jsonObject, parseJson, type JsonObject } from "../../tuf/json.ts";
import { show } from "../../tuf/show.ts";
import { isTargetName, judgeTargetEntries } from "../../tuf/target-entries.ts";
import { column, line, type Line } from "../../text/line.ts";
import { byteSize } from "../serve/byte-size.ts";
import type { Client } from "../client.ts";
import { fileSize, hashFile, type HashedFile } from "./hash-file.ts";
import type { Terminal } from "../terminal.ts";

export interface AddOptions {
  readonly factory: string;
  readonly files: readonly string[];
  /** In the place of the one file's own name. */
  readonly name: string | undefined;
  /** Before each name, with a slash between. */
  readonly prefix: string | undefined;
  /** JSON, or @ and the name of a file that holds it. */
  readonly custom: string | undefined;
  readonly sha512: boolean;
}

type Published = v.InferOutput<typeof publishTargets.answer>;

export async function targetsAdd(
  client: Client,
  terminal: Terminal,
  options: AddOptions,
): Promise<void> {
  const { factory, files } = options;
  const custom = options.custom === undefined ? undefined : await readCustom(options.custom);
  const targets = files.map((file) => ({ file, name: targetName(file, options) }));
  assertPublishable(
    targets.map(({ name }) => name),
    custom,
  );
  const sized = [];
  for (const target of targets) sized.push({ ...target, size: await fileSize(target.file) });
  const entries: (readonly [string, JsonObject])[] = [];
  for (const [i, { file, name, size }] of sized.entries()) {
    const which = files.length === 1 ? "" : ` (file ${i + 1} of ${files.length})`;
    const hashed = await terminal.step(
      line`hashing ${name}, ${byteSize(size)}${which}`,
      (progress) =>
        hashFile(file, options.sha512 ? ["sha256", "sha512"] : ["sha256"], (bytes) => {
          progress(line`${byteSize(bytes)}, ${percent(bytes, size)}`);
        }),
    );
    entries.push([name, entryOf(hashed, custom)]);
  }
  const change = { targets: jsonObject(Object.fromEntries(entries)) };
  const published = await publish(client, terminal, factory, change);
  const lines = (heading: string, of: readonly string[]): readonly Line[] =>
    of.map((name) => line`${column(heading, 12)} ${name}`);
  terminal.result({ factory, ...published }, [
    ...heading(factory, published),
    ...lines("added", published.added),
    ...lines("replaced", published.replaced),
    ...lines("unchanged", published.unchanged),
    line`Only metadata is published. Put the files where your devices download them.`,
  ]);
}

export async function targetsRemove(
  client: Client,
  terminal: Terminal,
  options: { readonly factory: string; readonly names: readonly string[] },
): Promise<void> {
  const { factory } = options;
  const remove = [...new Set(options.names)];
  const published = await publish(client, terminal, factory, { remove });
  const absent = remove.filter((name) => !published.removed.includes(name));
  terminal.result({ factory, ...published, absent }, [
    ...heading(factory, published),
    ...published.removed.map((name) => line`removed      ${name}`),
    ...absent.map((name) => line`not there    ${shownName(name)}`),
  ]);
}

async function publish(
  client: Client,
  terminal: Terminal,
  factory: string,
  change: { readonly targets?: JsonObject; readonly remove?: readonly string[] },
): Promise<Published> {
  return terminal.step(line`publishing targets of ${factory}`, () =>
    client.call(publishTargets, { factory }, { body: encodeJson(jsonObject(change)) }),
  );
}

function heading(factory: string, { channel, version, expires, changed }: Published) {
  return [
    line`Factory      ${factory} (${channel})`,
    line`targets      version ${version}, until ${expires}${changed ? "" : "; nothing changed"}`,
  ];
}

function targetName(file: string, { name, prefix, files }: AddOptions): string {
  if (name !== undefined && files.length > 1) {
    throw new RootwardError("usage", "--name: expected one file, to be called so");
  }
  const own = name ?? basename(file);
  return prefix === undefined ? own : `${prefix.replace(/\/$/, "")}/${own}`;
}

function entryOf({ length, hashes }: HashedFile, custom: JsonObject | undefined): JsonObject {
  return jsonObject({ length, hashes: jsonObject(hashes), custom });
}

/** The refusals of the service in either dialect, before hours of hashing. */
function assertPublishable(targets: readonly string[], custom: JsonObject | undefined): void {
  const twice = targets.find((name, i) => targets.indexOf(name) !== i);
  if (twice !== undefined) {
    throw new RootwardError("usage", `two files would be target ${show(twice)}: use --name`);
  }
  const sample = entryOf({ length: 0, hashes: { sha256: "0".repeat(64) } }, custom);
  const entries = jsonObject(Object.fromEntries(targets.map((name) => [name, sample])));
  const { findings } = judgeTargetEntries(entries, "tuf");
  if (findings.length === 0) return;
  const errors = findings.map(({ message }) => message);
  throw new RootwardError("usage", "this cannot be published; see --name and --custom", { errors });
}

async function readCustom(text: string): Promise<JsonObject> {
  try {
    const bytes = text.startsWith("@")
      ? await readFile(text.slice(1))
      : new TextEncoder().encode(text);
    const custom = parseJson(bytes, { maxBytes: 1_000_000, maxDepth: 28 });
    if (isJsonObject(custom)) return custom;
  } catch (error) {
    const why = isRootwardError(error) ? error.message : `cannot be read (${errorCode(error)})`;
    throw new RootwardError("usage", `--custom: ${why}`);
  }
  throw new RootwardError("usage", "--custom: expected a JSON object");
}

/** A name of the caller's as it is shown: what can be no target's must not look like another line of ours. */
function shownName(name: string): string {
  return isTargetName(name) ? name : show(name);
}

function percent(bytes: number, of: number): string {
  return `${Math.floor((100 * bytes) / Math.max(1, of))} %`;
}
