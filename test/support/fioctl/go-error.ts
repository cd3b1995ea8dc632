/** What went wrong, in the words that fioctl prints after `ERROR:`. */
export class GoError extends Error {
  override readonly name: string = "GoError";
}

/** An answer with a status that fioctl takes for an error. */
export class HttpError extends GoError {
  override readonly name = "HttpError";
  readonly status: number;

  constructor(message: string, status: number) {
    super(message);
    this.status = status;
  }
}

/** The status of an HttpError; null for any other error. */
export function statusOf(error: unknown): number | null {
  return error instanceof HttpError ? error.status : null;
}

/** @throws a GoError of `run` with `prefix` before its words */
export async function explained<T>(prefix: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof GoError) throw new GoError(`${prefix} ${error.message}`);
    throw error;
  }
}
