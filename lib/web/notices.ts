/**
 * The page's words where it cannot go on: what happened, what it means, what to do. Trouble on the way
 * loses nothing and is tried again; a refusal is final, and says whom to ask.
 */
import { RootwardError, type ErrorCode } from "../error.ts";
import { asciiLine } from "../text/forms.ts";
import { cleaned } from "../text/line.ts";
import { moment } from "./moment.ts";

export interface Notice {
  readonly heading: string;
  readonly paragraphs: readonly string[];
  /** The next steps, case by case. */
  readonly parts: readonly NoticePart[];
  /** `retry`: the same step again. `pick`: a file that is here already can still be confirmed. */
  readonly way: "retry" | "pick" | "none";
}

interface NoticePart {
  readonly heading: string;
  /** Commands stand between backticks. */
  readonly lines: readonly string[];
}

/** The step of the page that failed. */
export type Step = "claim" | "confirm";

const NOT_READY = "It asks to try again in a moment. If that does not help, tell its operator.";
const NOTHING_LOST = "Nothing is lost: try again, and this page goes on where it was.";

/**
 * @param began whether this browser has asked for this link before: then a file may be here
 * @param zone for tests; the reader's own unless given
 */
export function noticeFor(error: unknown, step: Step, began: boolean, zone?: string): Notice {
  if (!(error instanceof RootwardError)) return unexpected(asciiLine(String(error)), step);
  const { facts = {} } = error.details;
  const when = (fact: string): string | null => {
    const at = facts[fact];
    return at === undefined ? null : moment(String(at), zone);
  };
  const rows: Readonly<Partial<Record<ErrorCode, () => Notice>>> = {
    "server-unreachable": () =>
      trouble("No answer from the service", "Is this device online?", step),
    unavailable: () => trouble("The service is not ready", NOT_READY, step),
    "delivery-used": () => used(when("usedAt"), began),
    "delivery-expired": () => {
      const leaseEndedAt = when("leaseEndedAt");
      if (leaseEndedAt !== null) return leaseEnded(leaseEndedAt, began);
      const { factory } = facts;
      return expired(
        when("expiredAt"),
        factory === undefined ? "the Factory" : `Factory ${factory}`,
      );
    },
    "delivery-replaced": () => REPLACED,
    "delivery-mismatch": () => MISMATCH,
    "not-found": () => UNKNOWN,
    "archive-invalid": () => invalid(error.message),
    "chain-broken": () => invalid(error.message),
    malformed: () => invalid(error.message),
  };
  return rows[error.code]?.() ?? unexpected(cleaned(error.message), step);
}

function trouble(heading: string, what: string, step: Step): Notice {
  const confirming =
    "It is not known whether your confirmation arrived. Either way nothing is lost: you have the " +
    "file, and to confirm twice is harmless.";
  return {
    heading,
    paragraphs: [what, step === "confirm" ? confirming : NOTHING_LOST],
    parts: [],
    way: "retry",
  };
}

function unexpected(message: string, step: Step): Notice {
  return trouble("Something went wrong", `The answer was: ${message}.`, step);
}

function used(when: string | null, began: boolean): Notice {
  const mine = began
    ? "You began in this browser. If you confirmed and saw no answer, pick the saved file below: " +
      "this page checks it and asks for the answer again."
    : "Then you have the file, or the browser in which you began can go on: open the link there.";
  return {
    heading: "This link was used already",
    paragraphs: [
      `It was used ${when === null ? "before" : `on ${when}`}. A link works once, for ` +
        "the person who used it first.",
    ],
    parts: [
      {
        heading: "If that was not you",
        lines: [
          "Somebody else may hold the root key of your fleet.",
          "Tell the person who provisioned the Factory at once, by phone or in person rather than by " +
            "answering the mail: the person who used the link may read your mail too.",
          "Have the Factory bootstrapped again. That makes another root key and sends you another " +
            "link; what was downloaded with this one is then worth nothing.",
          "Build no device before that is done.",
        ],
      },
      { heading: "If that was you", lines: [mine] },
    ],
    way: began ? "pick" : "none",
  };
}

function expired(when: string | null, factory: string): Notice {
  return {
    heading: "This link has expired",
    paragraphs: [
      when === null
        ? "The archive is no longer on the service."
        : `It expired on ${when}. Nobody had used it.`,
    ],
    parts: [
      {
        heading: "What to do",
        lines: [
          `Ask the person who provisioned ${factory} to bootstrap it again: you get a new link. No device ` +
            "was built on the old key, so nothing else is lost.",
        ],
      },
    ],
    way: "none",
  };
}

function leaseEnded(when: string, began: boolean): Notice {
  return {
    heading: "The time to download has ended",
    paragraphs: [`It ended on ${when}. The service no longer gives the archive out.`],
    parts: [
      {
        heading: "If you do not have it",
        lines: [
          "Ask the person who provisioned the Factory to bootstrap it again: you get a new link.",
        ],
      },
      {
        heading: "If you have the file",
        lines: [
          began
            ? "Then all is well: pick the saved file below and confirm that you have it."
            : "Then open this link in the browser in which you began: there you can still confirm.",
        ],
      },
    ],
    way: began ? "pick" : "none",
  };
}

function invalid(message: string): Notice {
  return {
    heading: "The archive is not as it should be",
    paragraphs: [
      `This page found: ${cleaned(message)}.`,
      "It was not saved, and nothing was confirmed, so the service still has its copy.",
      "Try again. If it stays so, do not confirm it anywhere, and tell the operator of the service.",
    ],
    parts: [],
    way: "retry",
  };
}

const REPLACED: Notice = {
  heading: "There is a newer link",
  paragraphs: [
    "The Factory was bootstrapped again after this link was sent. It has another root key now.",
  ],
  parts: [
    {
      heading: "What to do",
      lines: [
        "Use the newer link: it came in a later message.",
        "A file that you have from this link is of no use. Do not keep it beside the right one.",
      ],
    },
  ],
  way: "none",
};

const MISMATCH: Notice = {
  heading: "That is another file",
  paragraphs: [
    "The file that you picked is not the archive of this link: its SHA-256 is another. Nothing was " +
      "destroyed.",
  ],
  parts: [],
  way: "pick",
};

const UNKNOWN: Notice = {
  heading: "The service does not know this link",
  paragraphs: [
    "Check that it is whole, to its last character, and that you did not change it. Nothing was used up.",
    "If it is as you got it, ask the sender.",
  ],
  parts: [],
  way: "none",
};

/** A link without its secret, or with a part of it. */
export function brokenLink(secret: string): Notice {
  return {
    heading: secret === "" ? "This page needs your link" : "This link is not complete",
    paragraphs: [
      "Open the link from your message again, or copy it whole, to its last character. Nothing was used up.",
      ...(secret === "" ? ["If you have just confirmed a download here, you are done."] : []),
    ],
    parts: [],
    way: "none",
  };
}

/** @param missing what the browser lacks, in words */
export function lacking(missing: readonly string[]): Notice {
  return {
    heading: "This browser cannot open the archive",
    paragraphs: ["Nothing was used up: the link still works."],
    parts: [
      { heading: "What is missing", lines: missing },
      {
        heading: "What to do",
        lines: [
          "Open the link in a current browser, on a computer of your own.",
          "Or use the command line: run `rootward keys download -` and paste the link.",
        ],
      },
    ],
    way: "none",
  };
}

/** The link of a download that this browser has finished. */
export function finished(confirmedAt: string, zone?: string): Notice {
  return {
    heading: "You finished this download",
    paragraphs: [
      `You confirmed it in this browser on ${moment(confirmedAt, zone)}. The service has no copy any ` +
        "more, and your Factory is live.",
    ],
    parts: [
      {
        heading: "If you lost the file",
        lines: ["Tell the person who provisioned the Factory at once, before any device is built."],
      },
      {
        heading: "If you lost the owner token",
        lines: ["Whoever provisioned the Factory can make you another one."],
      },
    ],
    way: "none",
  };
}
