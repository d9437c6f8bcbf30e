"""Where everything of one bank lies: HOME/BANK/, and nothing anywhere else."""

from __future__ import annotations

import datetime as dt
import errno
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from store.errors import ConfigError


@dataclass(frozen=True)
class Home:
    """The paths of one bank under a home folder."""

    root: Path  # HOME/BANK

    def make(self) -> None:
        """The bank's folder. Raises ConfigError where this user may not write."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root):
                pass
        except OSError as error:
            if error.errno != errno.ENOSPC:  # a full disk is no wrong setting
                raise ConfigError(
                    f"cannot be written: {error.strerror}",
                    where=str(self.root),
                    expected="a folder that this user may write to",
                    do="name another --home, or give this user the right to write",
                ) from None

    @property
    def canonical(self) -> Path:
        return self.root / "canonical"

    @property
    def features(self) -> Path:
        return self.root / "features"

    @property
    def labels(self) -> Path:
        return self.root / "labels"

    @property
    def tiers(self) -> Path:
        return self.root / "tiers"

    @property
    def scores(self) -> Path:
        return self.root / "scores"

    @property
    def explanations(self) -> Path:
        """Contributions of listed customers, as their models gave them."""
        return self.root / "explanations"

    @property
    def lists(self) -> Path:
        return self.root / "lists"

    @property
    def staging(self) -> Path:
        return self.root / "staging"

    @property
    def champions(self) -> Path:
        """Folders of pinned champions by content hash: LightGBM text and JSON, read without the registry."""
        return self.root / "champions"

    @property
    def mlflow(self) -> Path:
        return self.root / "mlflow"

    @property
    def prefect(self) -> Path:
        """Prefect's own database, for nights started by hand."""
        return self.root / "prefect"

    @property
    def prefect_server(self) -> Path:
        """The database of the server that `terrace operate` runs."""
        return self.root / "prefect-server"

    @property
    def logs(self) -> Path:
        """What went wrong in full: may quote data, so readable by this user only."""
        return self.root / "logs"

    @property
    def ledger(self) -> Path:
        return self.root / "ledger.sqlite"

    def of_day(self, folder: Path, as_of: dt.date) -> Path:
        """The Parquet file of one date in a folder of dated files."""
        return folder / f"as_of={as_of.isoformat()}.parquet"

    def list_folder(self, as_of: dt.date, version: int) -> Path:
        """The folder of one published list."""
        return self.lists / f"as_of={as_of.isoformat()}" / f"version={version}"

    def versions(self, as_of: dt.date) -> list[int]:
        """The versions on disk for a date, ascending."""
        folder = self.lists / f"as_of={as_of.isoformat()}"
        names = [re.fullmatch(r"version=(\d+)", path.name) for path in folder.glob("version=*")]
        return sorted(int(name.group(1)) for name in names if name)

    def listed_dates(self) -> list[dt.date]:
        """The dates with a published list, ascending."""
        names = [re.fullmatch(r"as_of=(\d{4}-\d\d-\d\d)", path.name) for path in self.lists.glob("as_of=*")]
        return [day for day in sorted(dt.date.fromisoformat(name.group(1)) for name in names if name) if self.versions(day)]

    def newest_list(self) -> tuple[dt.date, int] | None:
        """The list in force: newest date, newest version."""
        dates = self.listed_dates()
        return (dates[-1], self.versions(dates[-1])[-1]) if dates else None
