/**
 * Error answers on a bare socket, where Node could make no request of what came, or no answer: its own
 * would have no body, and fioctl would show nothing.
 */
import { STATUS_CODES } from "node:http";
import type { ErrorAnswer } from "./error-answer.ts";

/** @returns the whole answer; the connection ends with it */
export function rawAnswer({ status, headers, body }: ErrorAnswer): string {
  const text = JSON.stringify(body);
  const lines = Object.entries({
    ...headers,
    "Content-Length": Buffer.byteLength(text),
    Connection: "close",
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\n${lines.join("")}\r\n${text}`;
}
