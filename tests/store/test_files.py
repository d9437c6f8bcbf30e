"""Files are whole or not there; published folders are never changed."""

from pathlib import Path

import pyarrow as pa
import pytest

from store.files import atomic_path, fresh_folder, publish_folder, read_json, sync, write_json, write_parquet, write_text


def test_an_interrupted_write_leaves_the_old_content_and_no_litter(tmp_path: Path) -> None:
    path = tmp_path / "list.json"
    write_json(path, {"version": 1})

    def half() -> None:
        with atomic_path(path) as temporary:
            temporary.write_text("{half")
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        half()
    assert read_json(path) == {"version": 1}
    assert [p.name for p in tmp_path.iterdir()] == ["list.json"]


def test_equal_tables_give_equal_bytes_whatever_pandas_said_about_them(tmp_path: Path) -> None:
    table = pa.table({"customer_id": ["a", "b"], "score": [0.1, None]})
    write_parquet(tmp_path / "one.parquet", table)
    write_parquet(tmp_path / "two.parquet", table.replace_schema_metadata({"pandas": "3.1"}))
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "two.parquet").read_bytes()


def test_json_is_the_same_text_in_any_key_order_and_keeps_chinese_readable(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"b": "禾溪", "a": 1})
    write_json(tmp_path / "b.json", {"a": 1, "b": "禾溪"})
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert "禾溪" in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_a_published_folder_is_never_replaced(tmp_path: Path) -> None:
    write_text(tmp_path / "staging" / "sub" / "entries.txt", "first")
    publish_folder(tmp_path / "staging", tmp_path / "lists" / "version=1")
    write_text(tmp_path / "staging" / "sub" / "entries.txt", "second")
    with pytest.raises(FileExistsError, match="never changed"):
        publish_folder(tmp_path / "staging", tmp_path / "lists" / "version=1")
    assert (tmp_path / "lists" / "version=1" / "sub" / "entries.txt").read_text() == "first"


def test_a_fresh_folder_holds_nothing_of_a_killed_run(tmp_path: Path) -> None:
    write_text(tmp_path / "staging" / "old.txt", "x")
    assert list(fresh_folder(tmp_path / "staging").iterdir()) == []


def test_what_is_to_be_synced_must_be_there(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    sync([tmp_path / "a"])
    sync([])
    with pytest.raises(FileNotFoundError):
        sync([tmp_path / "a", tmp_path / "b"])
