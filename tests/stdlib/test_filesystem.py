"""`std.filesystem`: the workspace, what is off limits in it, secrets and dot-files."""

from typing import Any

import pytest

from tests.stdlib.asking import ask, entity, program

STD = "std.filesystem."
CODER = entity("Coder", workspace="/work", off_limits=["/work/.git", "/work/deploy"])


def file(path: str) -> dict[str, Any]:
    return entity("File", path=path)


@pytest.mark.parametrize(
    ("path", "rules"),
    [
        ("/work/src/main.py", set()),
        ("/work", set()),
        ("/work/./src//main.py", set()),
        ("/work/.gitignore", set()),
        ("/work/deployment.md", set()),
        ("/work-evil/main.py", {"outside_workspace"}),
        ("/work/../etc/motd", {"outside_workspace"}),
        ("/etc/motd", {"outside_workspace"}),
        ("src/main.py", {"outside_workspace"}),
        ("/work/.git/hooks/pre-commit", {"off_limits"}),
        ("/work/src/../.git/config", {"off_limits"}),
        ("/work/deploy", {"off_limits"}),
        ("/work/.env", {"no_secrets"}),
        ("/work/.env.production", {"no_secrets"}),
        ("/work/ID_RSA", {"no_secrets"}),
        ("/work/tls/server.PEM", {"no_secrets"}),
        ("/work/deploy/key.pem", {"off_limits", "no_secrets"}),
        ("/etc/shadow", {"outside_workspace", "no_secrets"}),
    ],
)
@pytest.mark.parametrize("action", ["read", "write"])
def test_an_agent_stays_in_its_workspace(action: str, path: str, rules: set[str]) -> None:
    effect, found = ask(program("filesystem"), CODER, action, file(path))
    assert effect == ("deny" if rules else "allow")
    assert found
    assert found <= ({STD + rule for rule in rules} or {"files_are_used"})  # one forbid is told, though several match


@pytest.mark.parametrize(
    ("path", "effect"),
    [("/srv/a.txt", "allow"), ("/srv/.bashrc", "deny"), ("/srv/.config/x", "allow"), ("/srv/key.pem", "allow")],
)
def test_some_agents_touch_no_dot_file(path: str, effect: str) -> None:
    decided, rules = ask(program("filesystem"), entity("Writer"), "write", file(path))
    assert (decided, STD + "no_dot_files" in rules) == (effect, effect == "deny")


@pytest.mark.parametrize(
    ("path", "effect"),
    [
        ("/home/a/report.odt", "allow"),
        ("/etc/passwd", "deny"),
        ("/usr/bin/env", "deny"),
        ("/home/etc/passwd", "allow"),
        ("/home/a/.profile", "deny"),
        ("/home/a/id_ed25519", "deny"),
    ],
)
def test_the_predicates_serve_the_permits_of_a_program(path: str, effect: str) -> None:
    assert ask(program("filesystem"), entity("Admin"), "back_up", file(path))[0] == effect
