/**
 * A loopback proxy between fioctl and the service that writes down every request and answer as a
 * transcript, without secrets. A story may have it lose an answer, or give another one.
 */
import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import {
  FACTORY,
  REMOVED,
  TOKEN,
  type Exchange,
  type Happening,
} from "../../test/support/fioctl/transcript.ts";

/** The headers that the service may look at. */
const RELEVANT = ["user-agent", "content-type", "osf-token", "authorization"] as const;

interface Request {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** The target of a redirect. */
  readonly location?: string;
}

/** @returns the answer that fioctl gets instead of the service's; null drops the connection */
export type Rule = (request: Request, forward: () => Promise<Answer>) => Promise<Answer | null>;

export interface Recorder {
  readonly url: string;
  readonly steps: readonly (Exchange | Happening)[];
  /** Where requests go from now on. */
  setTarget(url: string): void;
  /** For the requests that follow; null forwards everything. */
  setRule(rule: Rule | null): void;
  note(happening: Happening): void;
  close(): Promise<void>;
}

/** @param secrets the Factory's name, and the user of each token, when a request arrives */
export async function startRecorder(
  first: string,
  secrets: { readonly factory: string; readonly users: ReadonlyMap<string, string> },
): Promise<Recorder> {
  const steps: (Exchange | Happening)[] = [];
  let target = first;
  let rule: Rule | null = null;

  const handle = async (incoming: IncomingMessage): Promise<Answer | null> => {
    const at = new Date().toISOString();
    const { method = "", url: path = "", headers } = incoming;
    const body = (await buffer(incoming)).toString();
    const sent: Answer[] = [];
    const forward = async (): Promise<Answer> => {
      const answer = await pass(`${target}${path}`, method, headers, body);
      sent.push(answer);
      return answer;
    };
    const given = await (rule ?? (async (_request, next) => next()))(
      { method, path, body },
      forward,
    );
    const [answer] = sent;
    if (answer !== undefined) {
      const { user, shown } = hideToken(headers, secrets.users);
      steps.push({
        kind: "exchange",
        at,
        user,
        method,
        path: path.replace(`/${secrets.factory}/`, `/${FACTORY}/`),
        headers: shown,
        body,
        ...(given !== answer && { lost: true }),
        status: answer.status,
        answer: normalised(answer.body),
      });
    }
    return given;
  };

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const answer = await handle(incoming);
    if (answer === null) outgoing.destroy();
    else outgoing.writeHead(answer.status, headersOf(answer)).end(answer.body);
  };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    steps,
    setTarget: (url) => {
      target = url;
    },
    setRule: (next) => {
      rule = next;
    },
    note: (happening) => {
      steps.push(happening);
    },
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/**
 * Without the private half of the first root key, and without the prod roots of a review, which say
 * what its ci roots say.
 */
function normalised(body: string): string {
  if (!body.startsWith("{")) return body;
  return JSON.stringify(JSON.parse(body), (name, value: unknown) =>
    name === "private" || (name === "prod-root" && value !== "") ? REMOVED : value,
  );
}

async function pass(
  url: string,
  method: string,
  incoming: IncomingHttpHeaders,
  body: string,
): Promise<Answer> {
  const headers = relevant(incoming);
  const response = await fetch(url, {
    method,
    headers,
    ...(body !== "" && { body }),
    redirect: "manual",
  });
  return { status: response.status, body: await response.text() };
}

function headersOf({ body, location }: Answer) {
  return {
    "Content-Type": body.startsWith("{") ? "application/json" : "text/html",
    ...(location !== undefined && { Location: location }),
  };
}

function relevant(headers: IncomingHttpHeaders): [string, string][] {
  return RELEVANT.flatMap((name): readonly [string, string][] => {
    const value = headers[name];
    return typeof value === "string" ? [[name, value]] : [];
  });
}

/** The headers with a placeholder for the token, and whose it is. */
function hideToken(headers: IncomingHttpHeaders, users: ReadonlyMap<string, string>) {
  const shown: Record<string, string> = {};
  let user = "nobody";
  for (const [name, whole] of relevant(headers)) {
    let value = whole;
    for (const [token, owner] of users) {
      for (const form of [token, Buffer.from(token).toString("base64")]) {
        if (!value.includes(form)) continue;
        value = value.replace(form, form === token ? TOKEN : `base64(${TOKEN})`);
        user = owner;
      }
    }
    shown[name] = value;
  }
  return { user, shown };
}
