/**
 * Refusals and accidents with fioctl 0.30 and later: what it prints must have our sentence and what to
 * do, nothing is lost, and the owner gets on with fioctl alone.
 */
import { existsSync } from "node:fs";
import { assertSays, txidIn, WrongEnding, type Cast } from "./cast.ts";
import type { Rule } from "./recorder.ts";
import { assertArchive, DAY, ROTATE, takeRootKey, UPDATES, type Stories } from "./story.ts";

const SAFE = /No changes were made to your Factory\./;

export const TROUBLE: Stories = {
  "error-shapes": { versions: 1, recorded: false, play: showShapes },
  refusals: {
    versions: 2,
    play: async (cast) => {
      const { alice, file, stranger } = cast;
      assertSays(await stranger().failing("tuf", "show-root"), /: 401 [^]*\n= .*token/);
      assertSays(await alice.failing(...UPDATES, "apply"), /ERROR: There are no TUF root updates/);
      const keys = await takeRootKey(cast);
      const again = file("again.tgz");
      assertSays(
        await alice.failing(...ROTATE, "root", "--keys", again, "--first-time"),
        /: 409 [^]*\n= .*key/,
        SAFE,
      );
      if (existsSync(again)) throw new WrongEnding("an archive without a key was written");
      for (const command of [
        ["sign", "--keys", keys],
        ["set-threshold", "1", "--role", "root"],
        ["rotate-online-key", "--role", "targets"],
      ]) {
        assertSays(
          await alice.failing(...UPDATES, ...command),
          /run 'fioctl keys tuf updates init'/,
        );
      }
      assertSays(await alice.failing(...UPDATES, "init", "-m", "\u00e9t\u00e9"), /\n= .*ASCII/);
      const long = "x".repeat(100_000);
      assertSays(await alice.failing(...UPDATES, "init", "-m", long), /: 4\d\d [^]*\n= \w/);
      await alice(...UPDATES, "init", "-m", "first");
      const taken = /: 409 [^]*\n= [^]*Only one TUF root updates transaction can be active/;
      assertSays(await alice.failing(...UPDATES, "init", "-m", "second"), taken);
      assertSays(await alice.failing(...ROTATE, "root", "--keys", keys), SAFE, /try again\./);
      await alice(...UPDATES, "cancel");
    },
  },
  "transaction-id": {
    versions: 2,
    play: async (cast) => {
      const { alice, file } = cast;
      const [bob, carol] = [await cast.invite("bob"), await cast.invite("carol")];
      await takeRootKey(cast);
      const txid = txidIn(await alice(...UPDATES, "init", "-m", "whose is it"));
      for (const wrong of [[], ["--txid", `${txid}x`], ["--txid", "ABCDEFGH"]]) {
        for (const command of [
          ["add-offline-key", "--role", "root", "--keys", file("bob.tgz")],
          ["rotate-online-key", "--role", "snapshot"],
          ["set-threshold", "1", "--role", "root"],
          ["apply"],
        ]) {
          assertSays(
            await bob.failing(...UPDATES, ...command, ...wrong),
            /: 403 Forbidden\n= .*transaction id/i,
          );
        }
      }
      await carol(...UPDATES, "cancel");
    },
  },
  reader: {
    versions: 2,
    play: async (cast) => {
      const { alice, file } = cast;
      const dave = await cast.invite("dave", ["root:read"]);
      await takeRootKey(cast);
      await dave(...UPDATES, "review");
      await dave("tuf", "show-root");
      const refused = /: 403 Forbidden\n= .*root:update/;
      assertSays(await dave.failing(...UPDATES, "init", "-m", "mine"), refused);
      const txid = ["--txid", txidIn(await alice(...UPDATES, "init", "-m", "hers"))];
      const add = ["add-offline-key", "--role", "root", "--keys", file("dave.tgz"), ...txid];
      assertSays(await dave.failing(...UPDATES, ...add), refused);
      assertSays(await dave.failing(...UPDATES, "cancel"), refused);
      await alice(...UPDATES, "cancel");
    },
  },
  expired: {
    versions: 3,
    behind: 800 * DAY,
    play: async (cast) => {
      const { alice, file } = cast;
      const keys = file("root.tgz");
      await cast.passTime(800 * DAY);
      await alice(...UPDATES, "init", "-m", "a key alone", "--first-time", "--keys", keys);
      await alice(...UPDATES, "rotate-online-key", "--role", "snapshot", "--sign", "--keys", keys);
      assertSays(
        await alice.failing(...UPDATES, "apply"),
        /Failed to apply staged TUF root updates:[^]*\n \* .*expire[^]*No changes were made/,
      );
      assertSays(await alice(...UPDATES, "review"), /mandatory before applying it:[^]*expire/);
      await alice(...UPDATES, "cancel");
      await alice(...UPDATES, "init", "-m", "another year", "--first-time", "--keys", `${keys}2`);
      await alice(
        ...UPDATES,
        "rotate-offline-key",
        "--role",
        "root",
        "--keys",
        `${keys}2`,
        "--sign",
      );
      await alice(...UPDATES, "apply");
      await alice(...ROTATE, "targets", "--keys", `${keys}2`);
    },
  },
  killed: {
    versions: 3,
    onlineKeys: "new",
    play: async (cast) => {
      const { alice, file } = cast;
      const keys = file("root.tgz");
      await alice(...UPDATES, "init", "-m", "a long night", "--first-time", "--keys", keys);
      await alice(...UPDATES, "rotate-offline-key", "--role", "root", "--keys", keys, "--sign");
      await alice(...UPDATES, "rotate-online-key", "--role", "snapshot", "--keys", keys, "--sign");
      await cast.killService();
      assertSays(await alice(...UPDATES, "review"), /updates are staged/);
      await alice(...UPDATES, "apply");
      await alice(...ROTATE, "root", "--keys", keys);
    },
  },
  "lost-put": {
    versions: 3,
    play: async (cast) => {
      const { alice } = cast;
      const keys = await takeRootKey(cast);
      assertSays(
        await losing(cast, "PUT", /updates$/, () =>
          alice.failing(...ROTATE, "root", "--keys", keys),
        ),
        /Please, cancel the staged TUF root updates/,
      );
      // fioctl has deleted the new key, but the root that lists it is staged, with both signatures.
      assertArchive(keys, 4);
      assertSays(await alice(...UPDATES, "review"), /recommended:[^]*cancel/);
      await alice(...UPDATES, "cancel");
      await alice(...ROTATE, "root", "--keys", keys);
    },
  },
  "lost-apply": {
    versions: 3,
    play: async (cast) => {
      const { alice, file } = cast;
      const keys = file("root.tgz");
      assertSays(
        await losing(cast, "POST", /apply$/, () =>
          alice.failing(...ROTATE, "root", "--keys", keys, "--first-time"),
        ),
        /This is a critical error[^]*re-run the/,
      );
      assertSays(await alice(...UPDATES, "apply"), /were applied to your Factory/);
      await alice(...ROTATE, "root", "--keys", keys);
    },
  },
  "lost-init": {
    versions: 2,
    play: async (cast) => {
      const { alice, file } = cast;
      const rotate = [...ROTATE, "root", "--keys", file("root.tgz"), "--first-time"];
      await losing(cast, "POST", /updates$/, () => alice.failing(...rotate));
      if (existsSync(file("root.tgz"))) throw new WrongEnding("an archive without a key");
      assertSays(await alice.failing(...rotate), /: 409 Conflict/);
      await alice(...UPDATES, "cancel");
      await alice(...rotate);
    },
  },
};

/** A replaced answer of the service, and fioctl's output about it, at once or never. */
const SHAPES: readonly (readonly [status: number, body: string, shown: RegExp, hidden?: RegExp])[] =
  [
    [422, '{"message":"a","errors":["b","c"]}', /422 [^]*\n= a\n \* b\n \* c\n/],
    [422, '{"msg":"a","message":"z","errors":{"b":"c"}}', /\n= a\n \* b: c\n/, /z/],
    [422, '{"msg":"hidden","errors":[{"d":"hidden"}]}', /: 422 Unprocessable Entity\n/, /hidden/],
    [422, '{"code":"d"}', /\n= \{"code":"d"\}\n/],
    [422, `{"code":"${"x".repeat(600)}"}`, /\n= Error body too long/],
    [502, "<html>hidden</html>", /: 502 Bad Gateway\n/, /hidden/],
    [503, "hidden", /: 503 Service Unavailable\n/, /hidden/],
    [206, "{}", /: 206 Partial Content\n/],
  ];

async function showShapes({ alice, recorder }: Cast): Promise<void> {
  for (const [status, body, shown, hidden] of SHAPES) {
    recorder.setRule(async () => Promise.resolve({ status, body }));
    const printed = await alice.failing("tuf", "show-root");
    assertSays(printed, shown);
    if (hidden?.test(printed)) throw new WrongEnding(`expected no ${hidden} in: ${printed}`);
  }
  // A redirect to anything that answers 200 is success, whatever it says.
  recorder.setRule(async ({ path }) => {
    const page = path === "/login";
    const moved = { status: 302, body: "", location: `${recorder.url}/login` };
    return Promise.resolve(page ? { status: 200, body: "<html>log in</html>" } : moved);
  });
  assertSays(await alice(...UPDATES, "cancel"), /The staged TUF root updates were canceled\./);
  recorder.setRule(null);
}

/** The answer to the first such request never arrives; the request does. */
async function losing(
  { recorder }: Cast,
  method: string,
  path: RegExp,
  run: () => Promise<string>,
): Promise<string> {
  let lost = false;
  const rule: Rule = async (request, forward) => {
    const answer = await forward();
    if (lost || request.method !== method || !path.test(request.path)) return answer;
    lost = true;
    return null;
  };
  recorder.setRule(rule);
  try {
    return await run();
  } finally {
    recorder.setRule(null);
  }
}
