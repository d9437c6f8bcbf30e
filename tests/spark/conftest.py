"""One Spark session for all tests of Spark: two threads, few partitions, nothing shown."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path[:0] = [str(Path(__file__).parents[1] / room) for room in ("features", "models", "")]  # for the banks they make

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SMALL = {
    "spark.master": "local[2]",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss4m",
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
    # a few rows: planning again and compiling Java cost more than they save
    "spark.sql.shuffle.partitions": "2",
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
}


@pytest.fixture(scope="session")
def session() -> Iterator[SparkSession]:
    if shutil.which("java") is None:
        pytest.skip("Java is not installed: Spark needs Java 17")
    pytest.importorskip("pyspark", reason="pyspark is not installed: the extra `spark`")
    from sources.spark import session as begin

    made = begin(SMALL)
    yield made
    made.stop()
