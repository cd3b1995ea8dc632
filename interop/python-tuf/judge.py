"""What python-tuf does with root updates.

Reads one JSON object per line, {"trusted", "candidate"} in base64, and answers each with one line,
{"accepts", "says"}. The set of trusted metadata is what python-tuf's Updater keeps; the limit on
the length of a root is the Updater's, which is where python-tuf applies it.
"""

import base64
import json
import sys
import warnings

from tuf.api.exceptions import DownloadLengthMismatchError
from tuf.ngclient._internal.trusted_metadata_set import TrustedMetadataSet
from tuf.ngclient.config import EnvelopeType, UpdaterConfig

MAX_LENGTH = UpdaterConfig().root_max_length


def reasons(error):
    """The error and what caused it, outermost first."""
    while error is not None:
        yield f"{type(error).__name__}: {error}"
        error = error.__cause__


def judge(trusted, candidate):
    # A trusted root that does not load is a mistake of the corpus: it ends this program.
    metadata = TrustedMetadataSet(trusted, EnvelopeType.METADATA)
    try:
        if len(candidate) > MAX_LENGTH:
            raise DownloadLengthMismatchError(f"{len(candidate)} bytes")
        metadata.update_root(candidate)
    except Exception as error:
        return {"accepts": False, "says": " <- ".join(reasons(error))}
    return {"accepts": True, "says": ""}


warnings.simplefilter("ignore")  # deprecated keytypes, weak keys: the verdict says enough
for line in sys.stdin:
    case = json.loads(line)
    verdict = judge(base64.b64decode(case["trusted"]), base64.b64decode(case["candidate"]))
    print(json.dumps(verdict), flush=True)
