"""What a device says when it does not take what it was served."""


class Refused(Exception):
    """`reason` is a word that all suites share (interop/fleet/holdings.ts)."""

    def __init__(self, reason, message):
        super().__init__(message)
        self.reason = reason
