"""Metadata in the ats dialect, from the bytes that were served to the bytes that were signed.

JSON is read strictly: what two readers could take for two things is refused. The canonical form is
that of fioctl's fork of docker's go library: members in bytewise order, no white space, and in
strings a backslash before quote and backslash, \\n, \\r and \\t for line break, return and tab, and
all else raw. That line breaks are escaped sets it apart from OLPC's canonical JSON.
"""

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone

from refused import Refused

ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
CONTROL = re.compile("[\x00-\x1f]")
EXPIRES = "%Y-%m-%dT%H:%M:%SZ"
EXPIRES_LENGTH = len("2026-01-31T10:20:30Z")


@dataclass(frozen=True)
class Document:
    """One role's document; `message` is what its signatures cover."""

    data: bytes
    signed: dict
    signatures: list
    message: bytes
    version: int
    expires: datetime


def read_document(data, role):
    """The document of a role, such as "root", in these bytes."""
    body = parse(data)
    expect(isinstance(body, dict) and body.keys() == {"signatures", "signed"}, "no envelope")
    signed, signatures = body["signed"], body["signatures"]
    expect(isinstance(signed, dict) and isinstance(signatures, list), "no envelope")
    expect(signed.get("_type") == role.capitalize(), f"no {role}: {signed.get('_type')}")
    version = integer(signed.get("version"), "version")
    expires = time(signed.get("expires"))
    return Document(data, signed, signatures, encode(signed), version, expires)


def expect(condition, otherwise):
    if not condition:
        raise Refused("format", otherwise)


def integer(value, name):
    expect(type(value) is int and value >= 1, f"{name}: {value!r}")
    return value


def time(value):
    expect(isinstance(value, str) and len(value) == EXPIRES_LENGTH, f"expires: {value!r}")
    try:
        return datetime.strptime(value, EXPIRES).replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise Refused("format", f"expires: {value}") from error


def parse(data):
    def unique(pairs):
        members = dict(pairs)
        expect(len(members) == len(pairs), "a member twice")
        return members

    def no_number(text):
        raise Refused("format", f"not an integer: {text}")

    try:
        return json.loads(
            data.decode("utf-8"),
            object_pairs_hook=unique,
            parse_float=no_number,
            parse_constant=no_number,
        )
    except (ValueError, RecursionError) as error:
        raise Refused("format", f"no JSON: {error}") from error


def encode(value):
    """The bytes that are signed."""
    try:
        return canonical(value).encode()
    except (ValueError, RecursionError) as error:  # half a surrogate pair; nested too deeply
        raise Refused("format", f"no canonical form: {error}") from error


def canonical(value):
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case str():
            return quote(value)
        case list():
            return f"[{','.join(map(canonical, value))}]"
        case dict():
            names = sorted(value, key=str.encode)
            return f"{{{','.join(f'{quote(name)}:{canonical(value[name])}' for name in names)}}}"
    raise TypeError(type(value))


def quote(text):
    escaped = "".join(ESCAPES.get(character, character) for character in text)
    expect(not CONTROL.search(escaped), "a control character")
    return f'"{escaped}"'
