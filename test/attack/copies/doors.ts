/** The doors of the API, tried one after the other; whatever comes out is kept. */
import { createHash, createHmac } from "node:crypto";
import type { TestServer } from "../../support/embedded.ts";
import { call, newClaimant, repoUrl } from "../../support/owner.ts";
import { madeOf } from "./stories.ts";
import { text } from "./copy.ts";
import type { Stolen } from "./thief-search.ts";

const HOUR_MS = 3_600_000;

async function ask(file: string, url: string, init: RequestInit = {}): Promise<Stolen> {
  const response = await fetch(url, { redirect: "manual", ...init });
  return { file, bytes: Buffer.from(await response.arrayBuffer()) };
}

/** Takes `id` for the id of a link, for its hash, for the name of an archive and for a token. */
export async function tryAsDelivery(server: TestServer, id: string): Promise<Stolen[]> {
  const { url } = server;
  const claimant = newClaimant();
  const claimed = await call(`${url}/download/claim`, { body: { id, claimant } });
  const { archiveUrl, sha256 = id } = claimed.body as { archiveUrl?: string; sha256?: string };
  const got = [...text("claim", JSON.stringify(claimed.body))];
  if (archiveUrl !== undefined) got.push(await ask("archive", archiveUrl));
  const confirmed = await call(`${url}/download/confirm`, { body: { id, claimant, sha256 } });
  got.push(...text("confirm", JSON.stringify(confirmed.body)));
  for (const name of [id, createHash("sha256").update(id).digest("hex")]) {
    for (const forged of forgeries(name)) {
      got.push(await ask("forged", `${url}/download/archive/${name}${forged}`));
    }
  }
  for (const token of [id, createHash("sha256").update(id).digest("hex")]) {
    got.push(...(await askWithToken(server, token)));
  }
  return got;
}

/** URLs that end in an hour, with a MAC of whoever has no key for it. */
function forgeries(name: string): readonly string[] {
  const until = Date.now() + HOUR_MS;
  const mac = (key: string | Buffer): string =>
    createHmac("sha256", key).update(`${name} ${until}`).digest("base64url");
  return [
    "",
    `?until=${until}`,
    `?until=${until}&mac=`,
    ...["", name, Buffer.alloc(32)].map((key) => `?until=${until}&mac=${mac(key)}`),
  ];
}

/** Everything that a token can ask for and that could have to do with a root key. */
export async function askWithToken({ url }: TestServer, token: string): Promise<Stolen[]> {
  const factory = `${url}/ota/factories/acme`;
  const updates = repoUrl(url, "acme", "root/updates");
  const headers = { "OSF-TOKEN": token };
  const json = { ...headers, "Content-Type": "application/json" };
  const begin = JSON.stringify({ "first-time": true, message: "mine" });
  const got = [
    await ask("begin", updates, { method: "POST", headers: json, body: begin }),
    await ask("review", updates, { headers }),
    await ask("cancel", `${updates}/cancel`, { method: "POST", headers }),
  ];
  for (const path of ["/", "/log/", "/tokens/", "/users/self/", "/first_root.sec"]) {
    got.push(await ask(path, `${factory}${path}`, { headers }));
  }
  for (const file of ["root.json", "1.root.json"]) {
    got.push(await ask(file, repoUrl(url, "acme", file), { headers }));
  }
  return got;
}

/** An owner's token that the admin token makes. */
export async function ownersToken({ url, adminToken }: TestServer): Promise<string> {
  const scopes = ["root:read", "root:update", "targets:update"];
  const { status, body } = await call(`${url}/ota/factories/acme/tokens/`, {
    token: adminToken,
    body: { user: "thief", scopes },
  });
  if (status !== 201) throw new Error(`token: ${status}`);
  return body["token"] as string;
}

/** With the admin token; the link in the answer is used at once. */
export async function bootstrapAgain(server: TestServer, body: object) {
  const answer = await call(`${server.url}/ota/factories/acme/rebootstrap`, {
    token: server.adminToken,
    body,
  });
  if (answer.status !== 201) throw new Error(`rebootstrap: ${answer.status}`);
  const { link, rootKey } = await madeOf(server, answer.body);
  const secret = Buffer.from(link.split("#")[1] ?? "", "base64url");
  const id = createHash("sha256").update("rootward delivery id").update(secret).digest("hex");
  return { rootKey, stolen: [...text("link", link), ...(await tryAsDelivery(server, id))] };
}
