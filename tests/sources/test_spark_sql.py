"""What a bank that lives on Spark selects is asked of Spark as it was written; nothing is transpiled."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from sources.settings import SourceSettings
from sources.spark_sql import landed, query_of

INPUTS = {"dep": {"database": "spark", "table": "lake.core.dep"}, "cif": {"database": "spark", "table": "parquet.`/data/cif`"}}
CUSTOMERS = {"from": "cif", "columns": {"customer_id": "id", "opened_on": "since"}}


def test_a_select_becomes_an_input_of_its_own_over_the_tables_it_names() -> None:
    text = "SELECT try_cast(amt AS BIGINT) AS amount, no AS transaction_id FROM dep WHERE flag <=> 'Y'"
    said = SourceSettings.model_validate(
        {"dialect": "spark", "inputs": INPUTS, "tables": {"transactions": {"select": text}, "customers": CUSTOMERS}}
    )
    read = landed(said)
    assert read.dialect == "duckdb"
    assert sorted(read.inputs) == ["cif", "transactions_of_spark"]
    query = query_of(read.inputs["transactions_of_spark"])
    assert query == f"WITH `dep` AS (SELECT * FROM lake.core.dep) SELECT * FROM ({text})"
    assert read.tables["customers"] == said.tables["customers"]
    assert query_of(read.inputs["cif"]) == "SELECT * FROM parquet.`/data/cif`"
    assert landed(read) == read


def test_a_where_is_sparks_and_the_columns_are_still_read_by_us() -> None:
    said = SourceSettings.model_validate(
        {"dialect": "spark", "inputs": INPUTS, "tables": {"customers": {**CUSTOMERS, "where": "kind RLIKE '^P'"}}}
    )
    read = landed(said)
    assert "WHERE (kind RLIKE '^P')" in query_of(read.inputs["customers_of_spark"])
    assert read.tables["customers"].from_ == "customers_of_spark"
    assert read.tables["customers"].where is None
    assert read.tables["customers"].columns == said.tables["customers"].columns


@pytest.mark.parametrize(
    "inputs",
    [
        {"dep": {"files": "dep.csv", "header": True}},
        {"dep": {"database": "spark"}},
        {"dep": {"database": "spark", "table": "dep", "select": "SELECT 1"}},
        {"dep": {"database": "spark", "table": "dep", "uri": "somewhere"}},
    ],
)
def test_an_input_that_spark_cannot_ask_for_is_refused(inputs: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        SourceSettings.model_validate({"dialect": "spark", "inputs": inputs, "tables": {"products": {"select": "SELECT 1"}}})
