/**
 * Ports whose adapter is read when it is first asked. Every cold start waits for what it reads, and most
 * invocations ask the tables and nothing else: a long document, a mail, an archive or a question to the
 * signer is what some of them come to.
 */

/** A port whose every method may take the time to read a file. */
type Asked<Port> = { readonly [Method in keyof Port]: (...args: never[]) => Promise<unknown> };

/**
 * @param make imports a file of ours (infra/bundle.ts says why no package); it is called until it succeeds
 *   once. One that failed is forgotten: an environment lives for hours, and a moment must not decide them.
 */
export function later<Port extends Asked<Port>>(make: () => Promise<Port>): Port {
  let made: Promise<Port> | undefined;
  const ask = async (name: string | symbol, args: unknown[]): Promise<unknown> => {
    made ??= make().catch((error: unknown) => {
      made = undefined;
      throw error;
    });
    const port = await made;
    return Reflect.apply(Reflect.get(port, name), port, args) as unknown;
  };
  return new Proxy({} as Port, {
    get(_target, name) {
      // A promise that yields this port must not take it for another promise.
      if (name === "then") return undefined;
      return (...args: unknown[]) => ask(name, args);
    },
  });
}
