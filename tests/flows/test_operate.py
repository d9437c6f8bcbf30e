"""Deployments carry the bank's own schedule and time zone, and Prefect is told to stay at home and quiet."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

from flows import operate
from flows.bank import load_bank
from flows.home import Home
from flows.prefect_home import end_leftover, environment
from flows.prefect_server import Server
from flows.words import _WORDS, say
from store.errors import ConfigError
from store.files import write_json
from store.lease import LeaseHeld


def test_each_deployment_runs_one_at_a_time_at_the_banks_hour_in_the_banks_time_zone(made: Any, tmp_path: Path) -> None:
    place = made(more='  schedules: {nightly: "5 5 * * *"}\n')
    bank = load_bank(place.bank, {})
    found = operate.deployments(bank, Home(tmp_path / "home" / "small"))["deployments"]
    assert [one["name"] for one in found] == ["nightly", "weekly", "monthly"]
    assert found[0]["schedules"] == [{"cron": "5 5 * * *", "timezone": "Asia/Shanghai", "active": True}]
    assert found[1]["schedules"][0]["cron"] == bank.night.schedules.weekly
    assert all(one["concurrency_limit"]["limit"] == 1 for one in found)
    assert found[0]["parameters"] == {"bank": str(place.bank), "home": str(tmp_path / "home"), "wait": True}


def test_prefect_lives_in_the_home_and_calls_nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NO_PROXY", "intranet.example")
    told = environment(tmp_path)
    assert told["PREFECT_HOME"] == str(tmp_path)
    assert told["DO_NOT_TRACK"] == told["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert told["PREFECT_SERVER_ANALYTICS_ENABLED"] == told["PREFECT_LOGGING_TO_API_ENABLED"] == "false"
    assert told["NO_PROXY"] == "intranet.example,127.0.0.1,localhost"


def test_a_note_of_a_server_that_is_long_gone_ends_nobody(tmp_path: Path) -> None:
    note = tmp_path / "server.json"
    write_json(note, {"pid": os.getpid(), "born": "1"})  # the number now belongs to somebody else: to us
    assert not end_leftover(note)
    assert not note.exists()
    assert not end_leftover(note)


def test_a_secret_in_a_databases_address_comes_from_the_environment_and_changes_no_hash(made: Any) -> None:
    place = made()
    text = place.bank.read_text().replace(
        "consents: {<<: *csv, files: data/consents.csv}", "consents: {database: postgresql, uri: '${CORE}', table: c.consents}"
    )
    place.bank.write_text(text)
    one, two = load_bank(place.bank, {"CORE": "postgresql://a"}), load_bank(place.bank, {"CORE": "postgresql://b"})
    assert one.sources.inputs["consents"].uri == "postgresql://a"
    assert one.config_hash == two.config_hash
    with pytest.raises(Exception, match=r"\$\{CORE\} is not set"):
        load_bank(place.bank, {})


def test_how_a_night_runs_changes_no_list_and_so_no_hash(made: Any) -> None:
    place = made()
    before = load_bank(place.bank, {}).config_hash
    place.bank.write_text(place.bank.read_text().replace("lease_seconds: 60", "lease_seconds: 90"))
    assert load_bank(place.bank, {}).config_hash == before
    place.bank.write_text(place.bank.read_text().replace("pool_names: 5", "pool_names: 6"))
    assert load_bank(place.bank, {}).config_hash != before


def test_every_sentence_is_there_in_both_languages_with_the_same_figures() -> None:
    import re

    for key, (zh, en) in _WORDS.items():
        assert set(re.findall(r"{\w+}", zh)) == set(re.findall(r"{\w+}", en)), key
    assert say("zh", "names", names=3, owners=2) == "共 3 户，分给 2 位负责人。"


def test_a_second_operation_of_a_bank_is_refused_and_told_who_runs_the_first(tmp_path: Path) -> None:
    with operate.alone(tmp_path / "operate.lock", "hexi"):
        with (
            pytest.raises(LeaseHeld, match=rf"since 20.* UTC \(process {os.getpid()}\)") as told,
            operate.alone(tmp_path / "operate.lock", "hexi"),
        ):
            pytest.fail("two operations would end each other's servers, in turns")
        assert told.value.exit_code == 50
    with operate.alone(tmp_path / "operate.lock", "hexi"):
        pass


def test_a_port_that_another_program_holds_is_refused_before_its_answers_are_taken_for_ours() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(ConfigError, match="taken by another program"):
            Server(other.getsockname()[1]).assert_port_free()
