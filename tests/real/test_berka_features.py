"""Features of the Czech bank, from its own files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import pytest

from features.engine import build
from features.settings import FeatureSettings
from sources.canonical import Canonical
from sources.connection import connect
from tests.real import czech
from tests.real.czech import AS_OF, DATA, DATE

pytestmark = [
    pytest.mark.skipif(not DATA.exists(), reason="the Berka files are not beside the repository"),
]


@pytest.fixture(scope="module")
def berka(tmp_path_factory: pytest.TempPathFactory) -> Canonical:
    return czech.write(tmp_path_factory.mktemp("berka"))


def test_averages_and_flows_of_berka_are_those_of_its_files(berka: Canonical, tmp_path: Path) -> None:
    got = build(berka, FeatureSettings(), [AS_OF], tmp_path).read(AS_OF)
    assert len(got) == 1229
    assert sum(got[name].nunique() > 1 for name in got.columns) > 80
    con = duckdb.connect()
    by_hand = con.execute(f"""
        SELECT 'C' || client_id AS customer_id, sum(CASE WHEN type_1 = 'PRIJEM' THEN amount::DOUBLE ELSE -amount::DOUBLE END
            * least(91, DATE '{AS_OF}' - on_ + 1)) / 91 AS adb,
            sum(CASE WHEN type_1 = 'PRIJEM' AND on_ > DATE '{AS_OF}' - 180 THEN amount::DOUBLE ELSE 0 END) AS came
        FROM (SELECT account_id, type AS type_1, amount, {DATE.format("date")} AS on_
              FROM read_csv('{DATA}/trans.asc', delim=';', header=true, quote='"', all_varchar=true))
        JOIN (SELECT * FROM read_csv('{DATA}/disp.asc', delim=';', header=true, quote='"',
                                     all_varchar=true)) d USING (account_id)
        WHERE d.type = 'OWNER' AND on_ <= DATE '{AS_OF}' GROUP BY 1""").df()
    joined = got.merge(by_hand, on="customer_id", validate="one_to_one")
    assert len(joined) == len(got)
    np.testing.assert_allclose(joined["txn_in_amt_180d"], joined["came"], atol=0.01)
    np.testing.assert_allclose(joined["dep_adb_qtd"] * 90, joined["adb"] * 91 - _first_day(berka, joined), atol=0.05)


def _first_day(berka: Canonical, joined: object) -> np.ndarray:
    """Balance of 31 December, the one day the hand-made window has more than the quarter."""
    con = connect()
    rows = (
        berka.scan(con, "balances", dt.date(1993, 12, 31)).df().sort_values("on").groupby("customer_id")["balance"].last() / 100
    )
    return rows.reindex(joined["customer_id"]).fillna(0.0).to_numpy()  # type: ignore[index]
