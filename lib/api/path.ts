/**
 * Templates of paths, and all that is made of one: a concrete path, hono's spelling, the API gateway's. A
 * name in braces is one of PARTS, and has one form wherever it stands.
 */
import { FACTORY_NAME } from "../state/names.ts";
import { ALL_CHANNELS, ROLES } from "../tuf/dialect.ts";

/** The forms of the names in braces. */
interface Part {
  /** The form of the whole value. */
  readonly form: RegExp;
  readonly about: string;
}

const VERSION = "[1-9][0-9]{0,9}";
const VERSIONED = ROLES.filter((role) => role !== "timestamp").join("|");

export const PARTS = {
  factory: { form: FACTORY_NAME, about: "The name of a Factory." },
  channel: {
    form: new RegExp(`^(?:${ALL_CHANNELS.join("|")})$`),
    about: "`main` in the tuf dialect, `ci` or `prod` in ats.",
  },
  version: { form: new RegExp(`^${VERSION}$`), about: "The version of a root." },
  /** Its groups: the version, and the role unless that is the timestamp. */
  file: {
    form: new RegExp(`^(?:(?:(${VERSION})\\.)?(${VERSIONED})|timestamp)\\.json$`),
    about: "`ROLE.json` is the newest document of a role, `VERSION.ROLE.json` any other.",
  },
  token: { form: /^[0-9a-f]{32}$/, about: "The id of a token, from the list of tokens." },
  delivery: {
    form: /^[0-9a-f]{64}$/,
    about: "A delivery, as the URL in a claim's answer names it.",
  },
} as const satisfies Readonly<Record<string, Part>>;

type PartName = keyof typeof PARTS;

const BRACES = /\{(\w+)\}/g;

type NamesIn<P extends string> = P extends `${string}{${infer N}}${infer Rest}`
  ? N | NamesIn<Rest>
  : never;
export type PathValues<P extends string> = { readonly [N in NamesIn<P>]: string | number };

/** The names in a template, in order. */
export function partsOf(path: string): readonly PartName[] {
  return [...path.matchAll(BRACES)].map(([, name]) => name as PartName);
}

/** A concrete path. The values must have their forms already. */
export function pathOf<P extends string>(path: P, values: PathValues<P>): string {
  const all: Readonly<Record<string, string | number>> = values;
  return path.replace(BRACES, (_, name: string) => String(all[name]));
}

/** `/a/{factory}/{version}.root.json` is `/a/:factory/:version{[1-9][0-9]{0,9}\.root\.json}`. */
export function honoPath(path: string): string {
  return path.split("/").map(honoSegment).join("/");
}

function honoSegment(segment: string): string {
  const [, name, rest] = /^\{(\w+)\}(.*)$/.exec(segment) ?? [];
  if (name === undefined) return segment;
  if (rest === "" || rest === undefined) return `:${name}`;
  const form = PARTS[name as PartName].form.source.slice(1, -1);
  return `:${name}{${form}${rest.replaceAll(".", "\\.")}}`;
}

/**
 * The value of a part, from what hono found: a whole segment.
 *
 * @param path the template
 */
export function valueIn(path: string, name: string, found: string): string {
  const segment = path.split("/").find((one) => one.startsWith(`{${name}}`)) ?? "";
  return found.slice(0, found.length - (segment.length - name.length - 2));
}

/** The gateway's greedy route: all paths below. @param path a template */
export function gatewayBelow(path: string): string {
  return `${path.replace(/\/$/, "")}/{proxy+}`;
}

/** Owners' tools and provisioners. The gateway knows no route that ends in a slash. */
export const OTA = "/ota";
export const FACTORIES = `${OTA}/factories/`;
export const FACTORY = `${FACTORIES}{factory}/` as const;
/** As fioctl and ota-tuf name the roots of a Factory. */
export const REPOS = `${OTA}/repo/`;
export const REPO = `${REPOS}{factory}/api/v1/user_repo/` as const;
/** Devices. */
export const DEVICES = "/repo/";
