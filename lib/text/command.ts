/**
 * Commands that we tell people to run. A person pastes them into a shell with a root key beside it, so
 * every word that we did not write ourselves has one of the forms below. Where a value has not, there
 * is no command: none is better than a wrong one.
 */
import { cleaned, Line } from "./line.ts";

/** A word of a POSIX shell that means itself. */
export class Word {
  readonly text: string;

  private constructor(text: string) {
    this.text = text;
  }

  static quoted(text: string): Word {
    const plain = /^[A-Za-z0-9_./:@%+=,-]+$/.test(text);
    return new Word(plain ? text : `'${text.replaceAll("'", "'\\''")}'`);
  }
}

/** @returns null where a word is missing */
export function command(
  own: TemplateStringsArray,
  ...words: readonly (Word | null)[]
): Line | null {
  const texts: string[] = [];
  for (const [at, text] of own.entries()) {
    const word = words[at];
    if (word === null) return null;
    texts.push(text + (word?.text ?? ""));
  }
  return Line.from(texts, []);
}

export function factoryWord(name: string): Word | null {
  return match(name, /^[a-z0-9][a-z0-9-]{1,62}$/);
}

export function sha256Word(text: string): Word | null {
  return match(text, /^[0-9a-f]{64}$/);
}

/** An owner token. */
export function tokenWord(text: string): Word | null {
  return match(text, /^rw_[A-Za-z0-9_-]{43}$/);
}

/** The address of a service, written from the parts that a browser would use. */
export function urlWord(text: string): Word | null {
  const url = serviceUrl(text);
  return url === null ? null : Word.quoted(url);
}

/** A file; never taken for an option. */
export function pathWord(path: string): Word | null {
  if (path === "" || cleaned(path, Infinity) !== path) return null;
  return Word.quoted(path.startsWith("-") ? `./${path}` : path);
}

/**
 * The address of a service in one form, by the URL standard: scheme, host, port and path.
 *
 * @returns without a final slash; null for what is no http address, or has a user, query or fragment
 */
export function serviceUrl(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const { protocol, host, pathname, username, password, search, hash } = new URL(text);
  if (protocol !== "http:" && protocol !== "https:") return null;
  if (`${username}${password}${search}${hash}` !== "" || /[?#]$/.test(text)) return null;
  return `${protocol}//${host}${pathname.replace(/\/+$/, "")}`;
}

function match(text: string, form: RegExp): Word | null {
  return form.test(text) ? Word.quoted(text) : null;
}
