"""Devices that follow a Factory by python-tuf's Updater.

Reads one JSON object per line, {"folder", "url", "root"}, polls once as the device in that folder,
and answers with one line, {"held", "refusal"} (interop/fleet/holdings.ts). A device is built with
version 1 of the root, in base64, and is told nothing else.
"""

import base64
import hashlib
import json
import sys
from pathlib import Path

from tuf.api import exceptions
from tuf.ngclient import Updater

ROLES = ("root", "timestamp", "snapshot", "targets")

# The first that fits. What fits none is no refusal but a crash, and ends this program.
REASONS = (
    (exceptions.UnsignedMetadataError, "signature"),
    (exceptions.BadVersionNumberError, "version"),
    (exceptions.ExpiredMetadataError, "expired"),
    (exceptions.LengthOrHashMismatchError, "hash"),
    (exceptions.DownloadLengthMismatchError, "hash"),
    (exceptions.DownloadError, "download"),
    (exceptions.RepositoryError, "format"),
)


def poll(folder, url, root):
    updater = Updater(str(folder), url, bootstrap=root)
    updater.refresh()
    if updater.get_targetinfo("no-such-target") is not None:
        raise AssertionError("a target that nobody published")


def refusal(error):
    reason = next(word for kind, word in REASONS if isinstance(error, kind))
    return {"reason": reason, "says": f"{type(error).__name__}: {error}"}


def held(folder):
    """What the Updater keeps on disk, which is what it starts from next time."""
    files = {role: folder / f"{role}.json" for role in ROLES}
    there = {role: file.read_bytes() for role, file in files.items() if file.exists()}
    documents = {role: json.loads(data) for role, data in there.items()}
    listed = documents["root"]["signed"]["roles"]
    return {
        role: {
            "version": document["signed"]["version"],
            "keyids": sorted(
                {signature["keyid"] for signature in document["signatures"]}
                & set(listed[role]["keyids"])
            ),
            "sha256": hashlib.sha256(there[role]).hexdigest(),
        }
        for role, document in documents.items()
    }


for line in sys.stdin:
    request = json.loads(line)
    device, refused = Path(request["folder"]), None
    try:
        poll(device, request["url"], base64.b64decode(request["root"]))
    except (exceptions.RepositoryError, exceptions.DownloadError) as error:
        refused = refusal(error)
    answer = {"held": dict.fromkeys(ROLES) | held(device), "refusal": refused}
    print(json.dumps(answer), flush=True)
