"""Keys and signed notes are those of the C2SP formats, and nothing that is none is taken for one."""

import base64
from pathlib import Path

import pytest

from kynara_lang.audit import LogError, SigningKey, VerifyingKey
from kynara_lang.audit.keys import as_signing_key, as_verifying_key
from kynara_lang.audit.notes import Checkpoint, read_note
from tests.audit.logs import KEY, OTHER_KEY, alone

# The example of golang.org/x/mod/sumdb/note.
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_SIGNATURE = "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM="
LOG = "0123456789abcdef0123456789abcdef"
POINT = Checkpoint(LOG, 7, bytes(range(32)))


def test_the_published_example_of_a_note() -> None:
    key, public = SigningKey.parse(GO_PRIVATE), VerifyingKey.parse(GO_PUBLIC)
    assert key.public == public
    assert (key.text, public.text) == (GO_PRIVATE, GO_PUBLIC)
    raw = base64.b64decode(GO_SIGNATURE)
    assert raw[:4] == public.id
    assert key.sign(GO_TEXT.encode()) == raw[4:]
    assert public.verifies(raw[4:], GO_TEXT.encode())
    assert not public.verifies(raw[4:], GO_TEXT.encode() + b" ")
    assert not public.verifies(raw[4:-1], GO_TEXT.encode())


def test_a_checkpoint_comes_back() -> None:
    note = POINT.signed(KEY)
    assert note.splitlines()[:4] == [f"kynara/audit/{LOG}", "7", base64.b64encode(bytes(range(32))).decode(), ""]
    assert read_note(note, KEY.public) == POINT
    assert read_note(note.encode()) == POINT
    assert alone.read_note(note.encode(), alone.read_key(KEY.public.text)) == (LOG, 7, bytes(range(32)))


def test_other_signatures_and_lines_are_passed_over() -> None:
    text = POINT.text + "an extension\n"
    mine = base64.b64encode(KEY.public.id + KEY.sign(text.encode())).decode()
    note = f"{text}\n— witness AAAAAAAA\n— tests {mine}\n"
    assert read_note(note, KEY.public) == POINT
    assert alone.read_note(note.encode(), alone.read_key(KEY.public.text))[1] == 7
    with pytest.raises(LogError, match="no signature"):
        read_note(note, OTHER_KEY.public)


GOOD = POINT.signed(KEY)


@pytest.mark.parametrize(
    "note",
    [
        "",
        "\n",
        "\n\n",
        GOOD[:-1],
        GOOD.replace("\n\n", "\n"),
        GOOD.replace("\n7\n", "\n8\n"),
        GOOD.replace("\n7\n", "\n07\n"),
        GOOD.replace("\n7\n", "\n-7\n"),
        GOOD.replace("\n7\n", "\n7 \n"),
        GOOD.replace("\n7\n", "\n٧\n"),
        GOOD.replace("\n7\n", "\n" + "9" * 400 + "\n"),
        GOOD.replace("kynara/audit", "kynara/other"),
        GOOD.replace(LOG, LOG[:-1]),
        GOOD.replace(LOG, LOG.upper()),
        GOOD.replace("AAEC", "AAE="),
        GOOD.replace("AAEC", "AA\x00C"),
        GOOD.replace("— tests", "- tests"),
        GOOD.replace("— tests", "— others"),
        GOOD.replace("— tests ", "— tests  "),
        GOOD.replace("\n\n", "\nmore\n\n"),
        GOOD + "— tests AAAA\n",
        GOOD + GOOD,
        GOOD + GOOD[GOOD.index("—") :],
        "x" * 20_000,
        GOOD + "— w AAAAAAAA\n" * 100,
        GOOD.replace("\n", "\r\n"),
    ],
    ids=range(26),
)
def test_what_is_no_checkpoint_of_this_key_is_refused(note: str) -> None:
    with pytest.raises(LogError):
        read_note(note, KEY.public)
    with pytest.raises((ValueError, KeyError)):
        alone.read_note(note.encode(), alone.read_key(KEY.public.text))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(LogError, match="UTF-8"):
        read_note(b"\xff" + GOOD.encode())


# --- keys


@pytest.mark.parametrize(
    "text", ["", "x", GO_PUBLIC[:-2], GO_PUBLIC.replace("c74f", "c74e"), GO_PUBLIC + " more", "a+b+c"]
)
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(LogError) as caught:
        VerifyingKey.parse(text)
    assert caught.value.code == "key"
    with pytest.raises(alone.Unusable):
        alone.read_key(text)


def test_a_private_key_in_place_of_a_public_one_is_not_read() -> None:
    with pytest.raises(LogError, match="this is the private key"):
        VerifyingKey.parse(GO_PRIVATE)


@pytest.mark.parametrize("text", ["", GO_PUBLIC, GO_PRIVATE[:-4], GO_PRIVATE.replace("c74f", "c74e")])
def test_what_is_no_private_key_is_refused(text: str) -> None:
    with pytest.raises(LogError):
        SigningKey.parse(text)


def test_a_private_key_is_kept_from_others(tmp_path: Path) -> None:
    path = tmp_path / "audit.key"
    key = SigningKey.generate("ops")
    key.save(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert as_signing_key(path) == key == as_signing_key(key)
    with pytest.raises(LogError, match="exists"):
        key.save(path)
    path.chmod(0o640)
    with pytest.raises(LogError, match="chmod 600"):
        SigningKey.load(path)
    assert key.text not in repr(key)
    assert repr(key.seed) not in repr(key)
    assert SigningKey.generate("ops") != key


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\n", "x" * 201])
def test_names_of_keys(name: str) -> None:
    with pytest.raises(LogError, match="name of a key"):
        SigningKey.generate(name)


def test_a_public_key_is_given_as_text_or_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.pub"
    path.write_text(KEY.public.text + "\n")
    assert as_verifying_key(KEY.public.text) == as_verifying_key(path) == as_verifying_key(str(path)) == KEY.public
    with pytest.raises(LogError, match="cannot be read"):
        as_verifying_key(tmp_path / "nowhere")
    (tmp_path / "large").write_bytes(b"x" * 5000)
    with pytest.raises(LogError, match="too large"):
        as_verifying_key(tmp_path / "large")
