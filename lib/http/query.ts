/**
 * Queries are exact, as paths are: a parameter is read by its plain name and once, and its value as it was
 * sent. A second spelling (`%70roduction=1`, `production=1&production=0`) could mean one thing to a proxy
 * and another here.
 */
import type { Context } from "hono";
import { RootwardError } from "../error.ts";

/** @throws RootwardError `malformed` where `name` is there twice, or some name is encoded */
export function queryOf(c: Context, name: string): string | undefined {
  const { url } = c.req;
  const at = url.indexOf("?");
  const parts = at < 0 ? [] : url.slice(at + 1).split("&");
  const values: string[] = [];
  for (const part of parts) {
    const [key = "", ...value] = part.split("=");
    if (/[%+#]/.test(key)) throw new RootwardError("malformed", "query: expected plain names");
    if (key === name) values.push(value.join("="));
  }
  if (values.length > 1) throw new RootwardError("malformed", `query ${name}: expected it once`);
  return values[0];
}
