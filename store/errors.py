"""Errors that say what was found, what was expected, where, and what to do next; each with its exit code."""

from __future__ import annotations


class TerraceError(Exception):
    """One thing that went wrong, said so that the person on duty can act.

    `where` names file, table, row or key; `exit_code` is the scheduler's contract (0 published, 3 already published,
    10 data did not come, 20 a gate broke, 30 resumed and failed, 40 configuration, 50 another run holds the bank, 60 the
    machine).
    """

    exit_code = 1

    def __init__(self, found: str, *, where: str = "", expected: str = "", do: str = "") -> None:
        self.found, self.where, self.expected, self.do = found, where, expected, do
        super().__init__(
            " ".join(
                ended(part)
                for part in (
                    f"{where}: {found}" if where else found,
                    f"Expected {expected}" if expected else "",
                    f"To mend it: {do}" if do else "",
                )
                if part
            )
        )


def ended(sentence: str, stop: str = ".") -> str:
    """The sentence with a full stop, unless it ends in a stop of its own."""
    return sentence if sentence.endswith((".", "?", "!", "。", "？", "！")) else sentence + stop


class ConfigError(TerraceError):
    """A setting is missing, misspelt or impossible."""

    exit_code = 40


class DataNotArrived(TerraceError):
    """A file or table the night needs has not come by the set hour."""

    exit_code = 10


class GateBroken(TerraceError):
    """The data came but must not be used: control totals, freshness, volume or keys."""

    exit_code = 20


class MachineFault(TerraceError):
    """The machine failed the run, not the data and not the bank's settings: when that is mended it goes on where it stood."""

    exit_code = 60


class OutOfMemory(MachineFault):
    """More memory was needed than the limits, or the machine, would give."""


class DiskFull(MachineFault):
    """The disk, or the temporary space that the limits allow, is used up."""


class ProcessDied(MachineFault):
    """A process that worked for the run was ended from outside."""


class DataDamaged(MachineFault):
    """A file is missing, cannot be read, or is not as Terrace wrote it."""


class ListDamaged(GateBroken):
    """The files of a published list are not those that were published: somebody changed or removed them."""


class ResumedAndFailed(TerraceError):
    """A night that was resumed after a crash failed again."""

    exit_code = 30


class NotFound(TerraceError):
    """Somebody asked for a list, an owner or a customer that is not there."""
