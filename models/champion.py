"""A model as data: LightGBM text and JSON in a folder, known by the hash of its content."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from models.calibration import Calibration
from models.cold_start import SegmentRates
from models.season_level import SeasonLevel
from store import fingerprint
from store.errors import TerraceError
from store.files import read_json, write_json, write_text

Method = Literal["model", "segment_rate"]


@dataclass(frozen=True)
class Champion:
    """One label's answer: either a booster with its calibration, or the rates of segments.

    `content_hash` covers all that changes a score, and nothing else: not the metrics, not the day it was made.
    """

    name: str
    method: Method
    feature_names: tuple[str, ...]
    encodings: Mapping[str, tuple[str, ...]]
    base_rate: float
    trained_on: tuple[dt.date, ...]
    known_at: dt.date
    booster_text: str = ""
    calibration: Calibration | None = None
    segments: SegmentRates | None = None
    season: SeasonLevel | None = None  # moves the calibrated probability to the level of the as_of's month
    parameters: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    fingerprints: Mapping[str, str] = field(default_factory=dict)
    reasons_zh: tuple[str, ...] = ()  # what the gate said
    reasons_en: tuple[str, ...] = ()

    def scoring(self) -> dict[str, Any]:
        """All that changes a score."""
        # without a season level nothing is said of it, so that champions made before there were any keep their hash
        season = {"season": self.season.to_dict()} if self.season else {}
        return {
            "name": self.name,
            "method": self.method,
            "feature_names": list(self.feature_names),
            "encodings": {name: list(values) for name, values in self.encodings.items()},
            "base_rate": self.base_rate,
            "calibration": self.calibration.to_dict() if self.calibration else None,
            "segments": self.segments.to_dict() if self.segments else None,
            **season,
        }

    @property
    def content_hash(self) -> str:
        """SHA-256 of booster, calibration and season level (or segments), hexadecimal."""
        return fingerprint.of_json([self.booster_text, self.scoring()])

    def write(self, folder: Path) -> None:
        """Write `booster.txt` (a model's) and `champion.json`."""
        folder.mkdir(parents=True, exist_ok=True)
        if self.booster_text:
            write_text(folder / "booster.txt", self.booster_text)
        write_json(
            folder / "champion.json",
            {
                "content_hash": self.content_hash,
                "scoring": self.scoring(),
                "trained_on": [day.isoformat() for day in self.trained_on],
                "known_at": self.known_at.isoformat(),
                "parameters": dict(self.parameters),
                "metrics": dict(self.metrics),
                "fingerprints": dict(self.fingerprints),
                "reasons_zh": list(self.reasons_zh),
                "reasons_en": list(self.reasons_en),
            },
        )

    @classmethod
    def read(cls, folder: Path) -> Champion:
        """The champion a folder holds. Raises TerraceError where its content is not what its hash says."""
        content = read_json(folder / "champion.json")
        text = folder / "booster.txt"
        scoring = content["scoring"]
        champion = cls(
            name=scoring["name"],
            method=scoring["method"],
            feature_names=tuple(scoring["feature_names"]),
            encodings={name: tuple(values) for name, values in scoring["encodings"].items()},
            base_rate=scoring["base_rate"],
            trained_on=tuple(dt.date.fromisoformat(d) for d in content["trained_on"]),
            known_at=dt.date.fromisoformat(content["known_at"]),
            booster_text=text.read_text(encoding="utf-8") if scoring["method"] == "model" else "",
            calibration=Calibration.from_dict(scoring["calibration"]) if scoring["calibration"] else None,
            segments=SegmentRates.from_dict(scoring["segments"]) if scoring["segments"] else None,
            season=SeasonLevel.from_dict(scoring["season"]) if "season" in scoring else None,
            parameters=content["parameters"],
            metrics=content["metrics"],
            fingerprints=content["fingerprints"],
            reasons_zh=tuple(content["reasons_zh"]),
            reasons_en=tuple(content["reasons_en"]),
        )
        if champion.content_hash != content["content_hash"]:
            raise TerraceError(
                f"model '{champion.name}' does not match its own hash",
                where=str(folder),
                expected=content["content_hash"],
                do="restore the folder from the registry or train again",
            )
        return champion
