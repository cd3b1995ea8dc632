/**
 * The people of a story: the owner alice and those whom she invites, each with a token of their own,
 * and the service, which a story may stop or send into the future. Every request passes the recorder.
 */
import { join } from "node:path";
import { runCli } from "../../test/support/cli.ts";
import { addUser, type Account, type Factory } from "../../test/support/fioctl/factory.ts";
import { runFioctl, type Login } from "./binary.ts";
import type { Recorder } from "./recorder.ts";

/** `fioctl keys ...` as one person. */
interface Person {
  /** @returns what it printed. @throws where it failed */
  (...args: readonly string[]): Promise<string>;
  /** The same for a command that must fail. @throws where it did not */
  failing(...args: readonly string[]): Promise<string>;
  /** `rootward ARGS` with the same token; must succeed. */
  rootward(...args: readonly string[]): Promise<string>;
  /** The same for one that must fail. */
  rootwardFailing(...args: readonly string[]): Promise<string>;
}

export interface Cast {
  readonly alice: Person;
  readonly recorder: Recorder;
  readonly factory: Factory;
  /** A user with a token that alice mints. */
  invite(name: string, scopes?: readonly string[]): Promise<Person>;
  /** The owner, with OAuth credentials instead of an API token. */
  aliceByOauth(): Person;
  /** Alice with a newer release, which has the same files; null where there is none here. */
  readonly newer: Person | null;
  /** Alice with a token that the service does not know. */
  stranger(): Person;
  file(name: string): string;
  /** Ends the service by SIGKILL, and starts it again. */
  killService(): Promise<void>;
  /** Moves the service's clock. */
  passTime(milliseconds: number): Promise<void>;
}

export class WrongEnding extends Error {}

/** @param newer the path of a newer release; null where there is none */
export function makeCast(
  { binary, newer }: { readonly binary: string; readonly newer: string | null },
  factory: Factory,
  recorder: Recorder,
  service: Pick<Cast, "killService" | "passTime">,
  users: { readonly byToken: Map<string, string>; readonly scopes: Map<string, readonly string[]> },
): Cast {
  const person = (
    user: string,
    account: Account,
    { by = "token", path = binary }: { readonly by?: Login["by"]; readonly path?: string } = {},
  ): Person => {
    users.byToken.set(account.token, user);
    const login = { ...account, url: recorder.url, by, folder: join(factory.file(""), user) };
    const run = async (args: readonly string[], expected: boolean): Promise<string> => {
      const line = `fioctl keys ${args.join(" ")}`.replaceAll(`${factory.file("")}/`, "");
      recorder.note({ kind: "command", user, line });
      const { ok, text } = await runFioctl(path, login, ["keys", ...args]);
      if (ok === expected) return text;
      throw new WrongEnding(`${line}: expected ${expected ? "success" : "failure"}, got: ${text}`);
    };
    const rootward = async (args: readonly string[], expected: boolean): Promise<string> => {
      const env = { ROOTWARD_SERVER: factory.host.url, ROOTWARD_TOKEN: account.token };
      const { code, stdout, stderr } = await runCli(args, { env });
      if ((code === 0) === expected) return stdout + stderr;
      throw new WrongEnding(`rootward ${args.join(" ")} ended with ${code}: ${stdout}${stderr}`);
    };
    return Object.assign(async (...args: readonly string[]) => run(args, true), {
      failing: async (...args: readonly string[]) => run(args, false),
      rootward: async (...args: readonly string[]) => rootward(args, true),
      rootwardFailing: async (...args: readonly string[]) => rootward(args, false),
    });
  };
  return {
    ...service,
    recorder,
    factory,
    alice: person("alice", factory.alice),
    newer: newer === null ? null : person("alice", factory.alice, { path: newer }),
    aliceByOauth: () => person("alice", factory.alice, { by: "oauth" }),
    stranger: () => person("stranger", { ...factory.alice, token: `rw_${"x".repeat(43)}` }),
    file: factory.file,
    invite: async (name, scopes = ["root:read", "root:update"]) => {
      users.scopes.set(name, scopes);
      return person(name, await addUser(factory, name, scopes));
    },
  };
}

/** The transaction id that `updates init` printed. */
export function txidIn(printed: string): string {
  const txid = /^Your transaction ID is (.*) \.$/m.exec(printed)?.[1];
  if (txid === undefined) throw new WrongEnding(`no transaction ID in: ${printed}`);
  return txid;
}

/** @throws unless the text has every one of these */
export function assertSays(printed: string, ...patterns: readonly RegExp[]): void {
  for (const pattern of patterns) {
    if (!pattern.test(printed)) throw new WrongEnding(`expected ${pattern} in: ${printed}`);
  }
}
