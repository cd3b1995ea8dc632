/**
 * Checks of the verifier that no test can miss, by file and by what is switched off, each with the
 * reason: something else holds the same rule, or the check only saves time.
 */
type Reasons = Readonly<Record<string, string>>;

const NULL_HAS_FINDING = "a part that is null has a finding, and a root with findings is not used";
const NARROWS = "for the compiler: the line before has refused it, or nothing else can come";
const SAVES_TIME = "the key is read again, with the same result";

export const EQUIVALENT: Readonly<Record<string, Reasons>> = {
  "lib/tuf/root.ts": {
    "version === null || expires === null || keys === null || !isComplete(roles) -> false":
      NULL_HAS_FINDING,
    "version === null -> false": NULL_HAS_FINDING,
    "expires === null -> false": NULL_HAS_FINDING,
    "keys === null -> false": NULL_HAS_FINDING,
    "!isComplete(roles) -> false": NULL_HAS_FINDING,
  },
  "lib/tuf/root-keys.ts": {
    "same && isStrict(trusted.key) -> false": SAVES_TIME,
    'algorithm === "rsa-pss-sha256" -> false': SAVES_TIME,
    'algorithm === "ed25519" -> false': SAVES_TIME,
    "!(error instanceof KeyMaterialError) -> false": NARROWS,
    "!isJsonObject(object) -> false": NARROWS,
    "!isKeyId(keyid) -> false": NARROWS,
  },
  "lib/tuf/root-roles.ts": {
    "!isJsonObject(value) -> false": NARROWS,
  },
  "lib/tuf/root-update.ts": {
    "signed === null -> false": NULL_HAS_FINDING,
  },
};
