"""Checkpoints reach the places outside a log, and a place that fails is named."""

import http.server
import io
import json
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kynara_lang.audit import Folder, Lines, Log, LogError, SystemLog, Timestamps, places
from kynara_lang.audit.notes import Checkpoint, read_note
from tests.audit.logs import KEY

LOG = "0123456789abcdef0123456789abcdef"


def note(size: int) -> str:
    return Checkpoint(LOG, size, bytes(32)).signed(KEY)


def test_a_folder_keeps_the_newest(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path / "witness"))
    assert folder.newest(LOG) is None
    folder.deliver(LOG, note(3))
    folder.deliver(LOG, note(5))
    folder.deliver(LOG, note(5))
    with pytest.raises(LogError, match="more records than the log has"):
        folder.deliver(LOG, note(4))
    assert folder.newest(LOG) == note(5).encode()
    assert [file.name for file in (tmp_path / "witness").iterdir()] == [f"{LOG}.checkpoint"]


def test_a_folder_that_cannot_be_read_or_holds_something_else(tmp_path: Path) -> None:
    folder = Folder(str(tmp_path))
    (tmp_path / f"{LOG}.checkpoint").write_bytes(b"x" * 20_000)
    with pytest.raises(LogError, match="cannot be read"):
        folder.newest(LOG)
    (tmp_path / f"{LOG}.checkpoint").write_bytes(b"something else")
    with pytest.raises(LogError, match="no checkpoint"):
        folder.deliver(LOG, note(1))
    (tmp_path / f"{LOG}.checkpoint").unlink()
    (tmp_path / f"{LOG}.checkpoint").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(LogError):
        folder.deliver(LOG, note(1))


def test_lines_on_a_stream(capsys: pytest.CaptureFixture[str]) -> None:
    Lines().deliver(LOG, note(3))
    word, _, text = capsys.readouterr().out.partition(" ")
    assert word == "kynara-checkpoint"
    assert json.loads(text) == note(3)
    stream = io.StringIO()
    Lines(stream).deliver(LOG, note(4))
    assert stream.getvalue().count("\n") == 1
    assert Lines(stream).newest(LOG) is None
    stream.close()
    with pytest.raises(LogError, match="did not take"):
        Lines(stream).deliver(LOG, note(5))


def test_lines_in_the_log_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, str]] = []
    monkeypatch.setattr(places.syslog, "syslog", lambda level, text: sent.append((level, text)))
    SystemLog().deliver(LOG, note(3))
    ((_, text),) = sent
    assert json.loads(text.partition(" ")[2]) == note(3)
    assert SystemLog().newest(LOG) is None


def test_a_log_with_several_places(tmp_path: Path) -> None:
    stream = io.StringIO()
    with Log.open(
        tmp_path / "log", key=KEY, checkpoints=[str(tmp_path / "a"), Folder(str(tmp_path / "b")), Lines(stream)]
    ):
        pass
    kept = [next((tmp_path / name).iterdir()).read_text() for name in "ab"]
    assert kept == [json.loads(stream.getvalue().partition(" ")[2])] * 2
    assert read_note(kept[0], KEY.public).size == 3


# --- time stamps, by an authority that openssl plays

CONFIG = """
[tsa]
default_tsa = local
[local]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4
digests = sha256, sha512
ess_cert_id_alg = sha256
[req]
distinguished_name = name
prompt = no
x509_extensions = usage
[name]
CN = tests
[usage]
extendedKeyUsage = critical,timeStamping
"""


class Authority(http.server.BaseHTTPRequestHandler):
    folder: Path
    mode = "right"

    def do_POST(self) -> None:
        query = self.rfile.read(int(self.headers["Content-Length"]))
        if self.mode == "old":
            query = (self.folder / "first.tsq").read_bytes()
        elif self.mode == "refuses":
            query = query[:-1]
        (self.folder / "now.tsq").write_bytes(query)
        if not (self.folder / "first.tsq").exists():
            (self.folder / "first.tsq").write_bytes(query)
        command = [
            "openssl",
            "ts",
            "-reply",
            "-config",
            str(self.folder / "tsa.cnf"),
            "-queryfile",
            str(self.folder / "now.tsq"),
        ]
        done = subprocess.run([*command, "-out", str(self.folder / "reply")], capture_output=True)
        reply = b"no reply" if self.mode == "nonsense" or done.returncode else (self.folder / "reply").read_bytes()
        self.send_response(500 if self.mode == "broken" else 200)
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path) -> Iterator[tuple[str, type[Authority]]]:
    folder = tmp_path / "tsa"
    folder.mkdir()
    (folder / "serial").write_text("01")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout tsa.key -out tsa.pem -config tsa.cnf"
    subprocess.run(command.split(), cwd=folder, check=True, capture_output=True)
    handler = type("Handler", (Authority,), {"folder": folder})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", handler
    server.shutdown()
    server.server_close()


def test_an_authority_stamps_checkpoints(authority: tuple[str, type[Authority]], tmp_path: Path) -> None:
    url, handler = authority
    place = Timestamps(url, str(tmp_path / "stamps"))
    with Log.open(tmp_path / "log", key=KEY, checkpoints=[place]) as log:
        log.append("decision", {})
    base = tmp_path / "stamps" / f"{log.id}.4"
    assert base.with_suffix(".4.checkpoint").read_bytes() == (tmp_path / "log" / "checkpoint").read_bytes()
    verify = ["openssl", "ts", "-verify", "-data", f"{base}.checkpoint", "-in", f"{base}.tsr"]
    verify += ["-CAfile", str(handler.folder / "tsa.pem")]
    assert b"Verification: OK" in subprocess.run(verify, capture_output=True, check=True).stdout
    assert place.newest(log.id) is None


@pytest.mark.parametrize("mode", ["old", "refuses", "nonsense", "broken"])
def test_an_authority_that_does_not_stamp_this(
    mode: str, authority: tuple[str, type[Authority]], tmp_path: Path
) -> None:
    url, handler = authority
    place = Timestamps(url, str(tmp_path / "stamps"))
    place.deliver(LOG, note(1))
    handler.mode = mode
    with pytest.raises(LogError, match="time-stamp authority") as caught:
        place.deliver(LOG, note(2))
    assert caught.value.code == "undelivered"
    assert len(list((tmp_path / "stamps").iterdir())) == 2


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://x", "nothing"])
def test_addresses_that_are_no_authority(url: str, tmp_path: Path) -> None:
    with pytest.raises(LogError, match="begins with"):
        Timestamps(url, str(tmp_path)).deliver(LOG, note(1))


def test_an_authority_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="did not answer"):
        Timestamps("http://127.0.0.1:9/", str(tmp_path), timeout=2).deliver(LOG, note(1))
