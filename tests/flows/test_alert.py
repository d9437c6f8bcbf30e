"""An alert is one line without personal data; failing to send it never makes things worse."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows import alert, remains
from flows.screen import Screen
from flows.settings import Alert
from store.errors import GateBroken
from store.lease import LeaseHeld

LINE = alert.line("hexi", "2025-09-30", "take_in", 20)


def test_the_line_says_bank_date_step_and_meaning() -> None:
    assert LINE == "Terrace hexi 2025-09-30: a gate broke at take_in (exit 20)"
    assert "\n" not in LINE


def test_a_command_gets_the_line_as_its_last_argument(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    assert alert.send(Alert(command=(sys.executable, "-c", script, str(out))), LINE) == ""
    assert out.read_text() == LINE


def test_a_webhook_gets_the_line_as_json() -> None:
    got: list[bytes] = []

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert alert.send(Alert(webhook=f"http://127.0.0.1:{server.server_port}/hook"), LINE) == ""
        thread.join()
    assert json.loads(got[0]) == {"text": LINE}


@pytest.mark.parametrize(
    "broken",
    [
        Alert(command=("/no/such/command",)),
        Alert(command=(sys.executable, "-c", "raise SystemExit(1)")),
        Alert(command=(sys.executable, "-c", "import time; time.sleep(60)"), seconds=0.2),
        Alert(webhook="http://127.0.0.1:1/hook", seconds=1),
    ],
)
def test_an_alert_that_cannot_be_delivered_says_so_and_raises_nothing(broken: Alert) -> None:
    assert "not delivered" in alert.send(broken, LINE)


def test_nobody_is_alerted_where_nobody_asked() -> None:
    assert alert.send(Alert(), LINE) == ""


def test_a_webhook_is_an_address_on_the_web_and_not_a_file() -> None:
    with pytest.raises(ValidationError):
        Alert(webhook="file:///etc/passwd")
    with pytest.raises(ValidationError):
        Alert(webhook="https://a.example", command=("x",))


def test_a_line_stays_one_line_whatever_a_name_holds() -> None:
    assert alert.line("hexi", "weekly\nInjected: yes", "train x\r\ny", 20).count("\n") == 0
    assert alert.line("hexi", "weekly", "", 50) == "Terrace hexi weekly: another run holds the bank at start (exit 50)"
    assert "started again" in alert.killed("hexi", "nightly", is_first=True)
    assert "not started any more" in alert.killed("hexi", "nightly", is_first=False)


def test_a_failure_is_alerted_once_and_goes_on_as_it_was_even_where_the_hook_hangs(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "import sys, time; open(sys.argv[1], 'a').write(sys.argv[2] + chr(10)); time.sleep(60)"
    hangs = Alert(command=(sys.executable, "-c", script, str(out)), seconds=3)
    with pytest.raises(GateBroken), alert.alerting(hangs, "hexi", "2025-09-30"):
        raise GateBroken("张三 6222020000000000000", where="accounts")
    assert out.read_text() == "Terrace hexi 2025-09-30: a gate broke at start (exit 20)\n"


def test_who_asks_while_another_run_holds_the_bank_wakes_nobody(tmp_path: Path) -> None:
    out = tmp_path / "out"
    script = "import sys; open(sys.argv[1], 'a').write(sys.argv[2])"
    to = Alert(command=(sys.executable, "-c", script, str(out)))
    with pytest.raises(LeaseHeld), alert.alerting(to, "hexi", "nightly", (LeaseHeld,)):
        raise LeaseHeld("another run holds this bank")
    assert not out.exists()


def test_a_bank_file_that_is_wrong_still_says_whom_to_alert(tmp_path: Path) -> None:
    path = tmp_path / "hexi.yaml"
    path.write_text("bank: {id: hexi, language: en, nmae: x}\nnight: {alert: {webhook: 'http://127.0.0.1:1/'}, wiat: 1}\n")
    assert remains.of_file(path) == remains.Remains("hexi", Alert(webhook="http://127.0.0.1:1/"), "en")
    path.write_text("bank: [1]\nnight: {alert: {webhook: 3}}\n")
    assert remains.of_file(path) == remains.Remains("hexi", Alert(), "zh")
    path.write_text("a: [")
    assert remains.of_file(path) == remains.Remains("hexi", Alert(), None)


def test_an_alert_that_did_not_go_out_is_told_where_the_failure_is(capsys: pytest.CaptureFixture[str]) -> None:
    to, heard = Alert(command=("/no/such/command",)), list[str]()
    with pytest.raises(GateBroken), alert.alerting(to, "hexi", "2025-09-30", undelivered=heard.append):
        raise GateBroken("a gate")
    assert heard == ["the alert was not delivered: FileNotFoundError"]
    Screen("zh").undelivered(heard[0])
    with pytest.raises(GateBroken), alert.alerting(to, "hexi", "2025-09-30"):
        raise GateBroken("a gate")
    assert capsys.readouterr().err.splitlines() == ["告警未能送出：FileNotFoundError", heard[0]]
