"""An alert is one line without personal data; failing to send it never makes things worse."""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from pydantic import ValidationError

from flows import alert
from flows.settings import Alert

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


@pytest.mark.parametrize("broken", [
    Alert(command=("/no/such/command",)), Alert(command=(sys.executable, "-c", "raise SystemExit(1)")),
    Alert(command=(sys.executable, "-c", "import time; time.sleep(60)"), seconds=0.2),
    Alert(webhook="http://127.0.0.1:1/hook", seconds=1)])
def test_an_alert_that_cannot_be_delivered_says_so_and_raises_nothing(broken: Alert) -> None:
    assert "not delivered" in alert.send(broken, LINE)


def test_nobody_is_alerted_where_nobody_asked() -> None:
    assert alert.send(Alert(), LINE) == ""


def test_a_webhook_is_an_address_on_the_web_and_not_a_file() -> None:
    with pytest.raises(ValidationError):
        Alert(webhook="file:///etc/passwd")
    with pytest.raises(ValidationError):
        Alert(webhook="https://a.example", command=("x",))
