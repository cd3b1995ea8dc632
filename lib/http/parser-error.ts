/**
 * The refusals of Node's parser, as errors of ours. Its own answers have no body, and its words about a
 * request are for developers of the parser.
 */
import { plainError, type ErrorAnswer } from "./error-answer.ts";

export function parserError(error: unknown): ErrorAnswer {
  const code = (error as { readonly code?: unknown } | null)?.code;
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return plainError("headers-too-large", "the request's headers are too large");
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return plainError("too-large", "the body's chunk extensions are too large");
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return plainError("timeout", "the request came too slowly: send it again");
    default:
      return plainError("malformed", "this is no HTTP request");
  }
}
