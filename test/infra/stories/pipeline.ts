/**
 * What a pipeline does with the token that makes Factories, and what it may not do with it. And that a
 * token which somebody wrote into the table without us is none.
 */
import { describe, expect, test } from "vitest";
import { DynamoTokens } from "../../../lib/adapters/aws/tokens.ts";
import type { TokenRecord } from "../../../lib/service/ports.ts";
import { sha256Text } from "../../../lib/tuf/bytes.ts";
import { onlyJson } from "../../support/cli.ts";
import { claim, createFactory, deliver, newClaimant, rebootstrap } from "../../support/owner.ts";
import { succeeded, type Installation } from "./installation.ts";

const FACTORY = "piped";
const HERE = `/ota/factories/${FACTORY}`;
const REPO = `/ota/repo/${FACTORY}/api/v1/user_repo`;
/** Of each function that asks for tokens. */
const REFUSED = [
  ["GET", `${HERE}/log/`],
  ["GET", `${HERE}/targets/`],
  ["PUT", `${HERE}/targets/`],
  ["GET", `${HERE}/tokens/`],
  ["POST", `${HERE}/tokens/`],
  ["DELETE", `${HERE}/tokens/any`],
  ["GET", `${HERE}/users/self/`],
  ["GET", `${HERE}/users/self`],
  ["GET", `${HERE}/first_root.sec`],
  ["GET", `${REPO}/root.json`],
  ["POST", `${REPO}/root`],
  ["GET", `${REPO}/root/updates`],
  ["POST", `${REPO}/root/updates`],
  ["PUT", `${REPO}/root/updates`],
  ["POST", `${REPO}/root/updates/gen-online-keys`],
  ["POST", `${REPO}/root/updates/apply`],
  ["POST", `${REPO}/root/updates/cancel`],
] as const;

export function tellPipelines(one: Installation): void {
  describe("a pipeline's token", () => {
    tellPipeline(one);
  });
  describe("a token that somebody wrote into the table", () => {
    tellForged(one);
  });
}

function tellPipeline(one: Installation): void {
  const { provisionerToken } = one;
  let second = "";

  test("makes a Factory, reads its state, and makes its first root again", async () => {
    const create = ["factory", "create", FACTORY, "--owner-email", "o@example.com", "--json"];
    const first = onlyJson(await one.cli(create, provisionerToken));
    const shown = succeeded(await one.cli(["factory", "show", FACTORY], provisionerToken));
    expect(shown).toContain("the link was not used yet");
    const replaces = /--replaces ([0-9a-f]{64})/.exec(shown)?.[1] ?? "";
    const again = ["factory", "rebootstrap", FACTORY, "--replaces", replaces, "--json"];
    const made = onlyJson(await one.cli(again, provisionerToken));
    const links = [first, made].map(({ delivery }) => (delivery as { readonly url: string }).url);
    [, second = ""] = links;
    expect((await claim(one.url, links[0] ?? "", newClaimant())).status).toBe(410);
  }, 60_000);

  test("does the latter only until the owner has confirmed", async () => {
    await deliver(one.url, second);
    const refused = await rebootstrap(one.pipeline, FACTORY, { noDeviceExists: true });
    expect(refused).toMatchObject({ status: 403, body: { code: "forbidden" } });
    expect(refused.body["message"]).toContain("owner");
    const state = await one.aws.ask("GET", `${HERE}/`, { token: provisionerToken });
    expect(state.json()).toMatchObject({ state: "live" });
  }, 60_000);

  test.each(REFUSED)("may not %s %s", async (method, path) => {
    const init = { token: provisionerToken, ...(method.startsWith("P") && { body: {} }) };
    const { status, json } = await one.aws.ask(method, path, init);
    expect([status, json()["code"]]).toEqual([403, "forbidden"]);
  });
}

function tellForged(one: Installation): void {
  const token = (n: number): string => `rw_${String(n).repeat(43)}`;
  const stored = (): DynamoTokens => {
    const { cloud, dynamo } = one.aws;
    const table = cloud.of("AWS::DynamoDB::Table").find(({ name }) => name === "Table");
    return new DynamoTokens(dynamo.client, table?.ref ?? "");
  };

  test("is not the operator's, and not a pipeline's", async () => {
    const { ownerToken } = await createFactory(one.pipeline, "aim");
    const owners = await stored().find(sha256Text(ownerToken));
    if (owners === null) throw new Error("the owner's token is not in the table");
    const write = async (n: number, change: Partial<TokenRecord>): Promise<void> =>
      stored().put({ ...owners, ...change, id: `forged-${n}`, hash: sha256Text(token(n)) });
    await write(1, { scopes: ["admin"], bound: null });
    await write(2, { scopes: ["factory:create"], bound: null });
    await write(3, { scopes: ["admin"] });
    const body = { name: "forged", owner: { id: "o", email: "o@example.com" } };
    const ask = async (n: number): Promise<readonly number[]> => {
      const asked = [
        await one.aws.ask("POST", "/ota/factories/", { token: token(n), body }),
        await one.aws.ask("GET", "/ota/factories/aim/", { token: token(n) }),
        await one.aws.ask("GET", "/ota/factories/aim/first_root.sec", { token: token(n) }),
      ];
      return asked.map(({ status }) => status);
    };
    for (const n of [1, 2, 3]) expect(await ask(n)).toEqual([401, 401, 401]);
    // The way in is this one: what we make ourselves would be found there.
    await write(4, { scopes: ["root:read"] });
    expect(await ask(4)).toEqual([403, 200, 403]);
  }, 60_000);
}
