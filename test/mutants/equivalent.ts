/**
 * Checks of the verifier that no test can miss, by file and by what is switched off, each with the
 * reason: something else holds the same rule, or the check only saves time.
 */
type Reasons = Readonly<Record<string, string>>;

const NULL_HAS_FINDING = "a part that is null has a finding, and a root with findings is not used";
const NARROWS = "for the compiler: the line before has refused it, or nothing else can come";
const NOT_ABOVE = "null is above no number, and in no list of keyids";
const SAVES_TIME = "what it skips comes to the same result, later";
const WRITTEN_AGAIN =
  "what is read is written again and compared: there is one form of each number";
const NOBLE_REFUSES = "@noble/curves refuses it, too";

export const EQUIVALENT: Readonly<Record<string, Reasons>> = {
  "lib/crypto/verify.ts": {
    'key.algorithm === "ed25519" -> true':
      "ECDSA signatures begin otherwise, and one of RSA in 2^250 so by chance",
    'key.algorithm === "ed25519" && isSmallOrder(signature) -> false':
      "Node refuses these itself from 24.21 on, and not before",
  },
  "lib/tuf/bytes.ts": {
    "value < 0 -> false": "-1 is 255 in a Uint8Array",
  },
  "lib/tuf/canonical.ts": {
    '!/["\\\\]/.test(text) -> false': SAVES_TIME,
    "!ESCAPED_BY_JSON.test(line) -> false": SAVES_TIME,
    'compareCodePoints(names[i - 1] ?? "", names[i] ?? "") > 0 -> compareCodePoints(names[i - 1] ?? "", names[i] ?? "") >= 0':
      "no two members of an object have the same name",
    "!FOREIGN.test(text) -> false": SAVES_TIME,
  },
  "lib/tuf/chain.ts": {
    "signed === null -> false": NULL_HAS_FINDING,
  },
  "lib/tuf/json.ts": {
    "at < 0 -> at <= 0": "there is a quote before it, so it is never at 0",
  },
  "lib/tuf/keys.ts": {
    '!isJsonObject(object["keyval"]) -> false': "of what is no object nothing is public",
    "isJsonObject(keyval) -> true": NARROWS,
  },
  "lib/tuf/policy.ts": {
    "expires !== null -> true": NOT_ABOVE,
    "version !== null -> true": NOT_ABOVE,
    "initialKey !== null -> true": NOT_ABOVE,
    "keyid -> true": NARROWS,
    "!isJsonObject(roles) -> false": NARROWS,
    "!isJsonObject(roles) || !isJsonObject(targets) -> false":
      "one of the two was read whole, so it has them, and one without them is never the same",
    "!isJsonObject(targets) -> false": "likewise",
    "time === null -> false": "null would be 1970, which is not now",
  },
  "lib/tuf/private-key.ts": {
    'text.includes("PRIVATE KEY") -> true': SAVES_TIME,
    'text !== undefined && !text.includes("PRIVATE KEY") && !text.includes(\'"private"\') -> false':
      SAVES_TIME,
  },
  "lib/tuf/role-document.ts": {
    "!isJsonObject(body) -> false": NARROWS,
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
  "lib/tuf/submitted-root.ts": {
    "signed === null -> false": NULL_HAS_FINDING,
    "document === null -> false": NARROWS,
  },
  "lib/tuf/signatures.ts": {
    "fingerprint === undefined -> false": NARROWS,
  },
  "lib/tuf/signed-root.ts": {
    "draft -> true": NARROWS,
  },
  "lib/tuf/spki.ts": {
    "point.length !== 65 -> false": NOBLE_REFUSES,
    "point[0] !== 4 -> false": NOBLE_REFUSES,
    "!startsWith(outer, RSA_ALGORITHM) -> false": WRITTEN_AGAIN,
    "!pair -> false": NARROWS,
    "der[0] !== tag -> false": WRITTEN_AGAIN,
    "der[0] !== tag || first === undefined -> false": WRITTEN_AGAIN,
    "first === undefined -> false": WRITTEN_AGAIN,
    "first < 0x80 -> first <= 0x80": WRITTEN_AGAIN,
    "lengthBytes > 3 -> false": WRITTEN_AGAIN,
    "lengthBytes > 3 -> lengthBytes >= 3": WRITTEN_AGAIN,
    "decoded === null -> false": NARROWS,
  },
};
