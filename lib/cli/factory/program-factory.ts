/** `rootward factory`: the commands of provisioners, their flags and help texts. */
import { readFile } from "node:fs/promises";
import { Option, type Command } from "commander";
import { RootwardError } from "../../error.ts";
import { isFactoryName } from "../../state/names.ts";
import { DIALECTS, type Dialect } from "../../tuf/dialect.ts";
import { KEY_TYPES, type KeyType } from "../../tuf/keys.ts";
import type { Client } from "../client.ts";
import { factoryCreate } from "./factory-create.ts";
import { factoryRebootstrap } from "./factory-rebootstrap.ts";
import { factoryShow } from "./factory-show.ts";
import type { Terminal } from "../terminal.ts";

interface SentOptions {
  readonly provisionerEmail?: string;
  /** A file; false with --no-recipient-certificate. */
  readonly recipientCertificate?: string | false;
}

interface CreateFlags extends SentOptions {
  readonly dialect: Dialect;
  readonly keyType: KeyType;
  readonly onlineKeyType: KeyType;
  readonly ownerId: string;
  readonly ownerEmail: string;
  readonly delivery: "link" | "api";
}

interface RebootstrapFlags extends SentOptions {
  readonly replaces: string;
  readonly keyType?: KeyType;
  readonly onlineKeyType?: KeyType;
  readonly ownerId?: string;
  readonly ownerEmail?: string;
  readonly ownerToken?: string;
  /** False with --no-device-exists. */
  readonly deviceExists: boolean;
}

export function addFactory(program: Command, terminal: Terminal, client: () => Client): void {
  const factory = program.command("factory").description("provision Factories");
  const keyType = (flag: string, description: string): Option =>
    new Option(flag, description).choices(KEY_TYPES);
  const command = (name: string, description: string): Command =>
    factory
      .command(name)
      .description(description)
      .argument("<name>", "^[a-z0-9][a-z0-9-]{1,62}$", factoryName);
  const sent = (of: Command): Command =>
    of
      .option(
        "--recipient-certificate <file>",
        "X.509 PEM with an RSA key: the archive is encrypted to it, for rootward keys open",
      )
      .option("--provisioner-email <address>", "who is told what becomes of the delivery");

  sent(
    command("create", "bootstrap a Factory: metadata, first root key, and a link for its owner")
      .addOption(
        new Option("--dialect <dialect>", "how metadata is written")
          .choices(DIALECTS)
          .default("ats"),
      )
      .addOption(keyType("--key-type <type>", "of the root key").default("rsa"))
      .addOption(
        keyType("--online-key-type <type>", "of the keys that the service holds").default(
          "ed25519",
        ),
      )
      .option("--owner-id <id>", "how the owner is named in the log and in roots", "owner")
      .requiredOption("--owner-email <address>", "who gets the link and the notices")
      .addOption(
        new Option("--delivery <mode>", "of the root key: by a one-time link, or to fioctl")
          .choices(["link", "api"])
          .default("link"),
      ),
  ).action(async (name: string, { recipientCertificate, ...flags }: CreateFlags) => {
    const certificate = (await certificateText(recipientCertificate)) ?? null;
    await factoryCreate(client(), terminal, { name, ...flags, recipientCertificate: certificate });
  });

  command("show", "state, roots and delivery in plain words, and what to do next").action(
    async (name: string) => factoryShow(client(), terminal, name),
  );

  sent(
    command(
      "rebootstrap",
      "a new root key and link, where the first were lost: the old link and all tokens end",
    )
      .requiredOption("--replaces <sha256>", "of the root version 1 that goes: see factory show")
      .addOption(keyType("--key-type <type>", "of the root key (default: as before)"))
      .addOption(keyType("--online-key-type <type>", "of the service's keys (default: as before)"))
      .option("--owner-id <id>", "another owner (default: as before)")
      .option("--owner-email <address>", "of the other owner, or another address")
      .addOption(
        new Option(
          "--owner-token <token>",
          "the owner's token, where the archive was confirmed already",
        ).env("ROOTWARD_OWNER_TOKEN"),
      )
      .option("--no-device-exists", "your word that no device was built on that root"),
  )
    // After the option that it reverses, whose default stays none in this order.
    .option("--no-recipient-certificate", "deliver the archive without encryption")
    .action(
      async (name: string, { recipientCertificate, deviceExists, ...flags }: RebootstrapFlags) => {
        await factoryRebootstrap(client(), terminal, {
          name,
          ...flags,
          noDeviceExists: !deviceExists,
          recipientCertificate: await certificateText(recipientCertificate),
        });
      },
    );
}

function factoryName(name: string): string {
  if (isFactoryName(name)) return name;
  throw new RootwardError("usage", "name: expected ^[a-z0-9][a-z0-9-]{1,62}$");
}

/** @returns null for none; undefined where nothing was said */
async function certificateText(
  file: string | false | undefined,
): Promise<string | null | undefined> {
  if (file === undefined) return undefined;
  if (file === false) return null;
  try {
    return await readFile(file, "utf8");
  } catch {
    throw new RootwardError("usage", `--recipient-certificate: ${file} cannot be read`);
  }
}
