"""`kynara inspect`: what it shows and leaves out, its JSON as documented, its drawing, and its exit codes."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.cli.project import ROOT, Run

HEAD = """\
module big

subject User { level: Int }
subject Agent { level: Int }
resource Doc { kind: String, size: Int, open: Bool, owner: User }
action read on Doc
action write on Doc
role lead
"""
CONTAINS = 'resource.kind.contains("a")'


def permits(clause: str, count: int, name: str = "p#") -> str:
    text = f'permit {name} {{ subject User action read resource Doc scope any "t" {clause} }}\n'
    return "".join(text.replace("#", str(i)) for i in range(count))


def written(project: Path, text: str) -> str:
    (project / "big.kyn").write_text(HEAD + text, encoding="utf-8")
    return "big.kyn"


def shown(kynara: Run, *arguments: str) -> Any:
    result = kynara("inspect", *arguments, "--format", "json")
    assert result.exit_code == 0
    return json.loads(result.stdout)


# --- text


def test_the_worst_comes_first_with_what_it_needs(project: Path, kynara: Run) -> None:
    file = written(project, permits('when resource.kind == "k#"', 20) + permits("when resource.size > #", 3, "q#"))
    result = kynara("inspect", file)
    assert result.exit_code == 0
    assert result.stdout.startswith(
        "23 rules for 1 combination of action, resource type and subject type. The worst, read on Doc by\n"
        "User, can need up to 4 tests.\n"
    )
    rows = [re.split(r"\s{2,}", line.strip()) for line in result.stdout.splitlines()]
    assert ["tests", "rules", "every time", "request", "told apart by"] in rows
    assert ["4", "23", "3", "read on Doc by User", "resource.kind (20 cases, heaviest 0 tests)"] in rows


def test_rules_to_blame_are_shown_with_their_clauses_and_what_to_write(project: Path, kynara: Run) -> None:
    file = written(
        project, permits('when resource.kind != "a"', 1) + permits("when subject == resource.owner", 1, "own")
    )
    text = kynara("inspect", file).stdout
    assert "permit big.p0: 1 test for read on Doc by User\n" in text
    assert re.search(r"--> big\.kyn:9:\d+\n", text)
    assert re.search(r"[^^]\^{25}\s", text)
    assert "says what must not be; a switch" in text
    assert "  = help: say what must be instead, if that can be listed: `==` a constant, `in {…}`, or `within`\n" in text
    assert "compares two values of the" in text


def test_a_rule_without_conditions_is_blamed_by_its_name(project: Path, kynara: Run) -> None:
    text = kynara("inspect", written(project, permits("", 1))).stdout
    assert "permit big.p0: 0 tests for read on Doc by User" in text
    assert "^^ asks for nothing but an action and types" in text
    assert "needs no test at all" in text


def test_rules_with_the_same_obstacle_are_shown_once(project: Path, kynara: Run) -> None:
    file = written(project, permits('when resource.kind.contains("#")', 14))
    text = kynara("inspect", file).stdout
    assert text.count("--> big.kyn") == 1
    assert "  = likewise: big.p1, big.p2 and 11 more\n" in text
    every = kynara("inspect", file, "--all").stdout
    assert every.count("--> big.kyn") == 14
    assert "likewise" not in every


def test_a_rule_of_several_types_is_shown_once_where_it_asks_most(project: Path, kynara: Run) -> None:
    rule = "forbid f { subject any action any resource Doc unless (subject is User and subject.level > 3) or resource.open }\n"
    text = kynara("inspect", written(project, rule)).stdout
    assert text.count("forbid big.f:") == 1
    assert "forbid big.f: 2 tests for read and write on Doc by User and Agent\n" in text


def test_rules_that_could_be_told_apart_are_named_without_excerpts(project: Path, kynara: Run) -> None:
    few = kynara("inspect", written(project, permits('when resource.kind == "k#"', 5))).stdout
    assert "because up to 8 are tested as fast as a switch finds one" in few
    assert "  could be told apart by resource.kind: big.p0, big.p1 and 3 more" in few
    alike = kynara("inspect", written(project, permits('when resource.kind == "k"', 12)), "--all").stdout
    assert "because too few differ in what they ask for" in alike
    assert re.search(r"big\.p9,\s+big\.p10\s+and\s+big\.p11", " ".join(alike.split()))
    assert "-->" not in few + alike


def test_at_most_ten_groups_and_fifteen_rows_are_shown(project: Path, kynara: Run) -> None:
    actions = "".join(f"action a{i} on Doc\n" for i in range(20))
    rules = "".join(
        f"forbid f{i} {{ subject User action a{i} resource Doc when {' and '.join([CONTAINS] * (i + 1))} }}\n"
        for i in range(20)
    )
    file = written(project, actions + rules)
    text = kynara("inspect", file).stdout
    assert "… and 5 rows that need at most as many tests (--all shows them)" in text
    assert "… and 10 more rules (--all shows them)" in text
    assert text.count("\nforbid ") == 10
    whole = kynara("inspect", file, "--all").stdout
    assert "(--all shows" not in whole
    assert whole.count("\nforbid ") == 20


def test_alike_requests_share_a_row(project: Path, kynara: Run) -> None:
    text = kynara(
        "inspect", written(project, "forbid f { subject any action any resource Doc when resource.open }\n")
    ).stdout
    assert "read and write on Doc by Agent and User" in text
    odd = "forbid f { subject User action any resource Doc when resource.open }\n"
    odd += "forbid g { subject Agent action read resource Doc when resource.open }\n"
    assert "read and write on Doc by User" in kynara("inspect", written(project, odd)).stdout


def test_requests_that_are_alike_but_no_product_are_counted(project: Path, kynara: Run) -> None:
    rule = "forbid f { subject User, Agent action read, write resource Doc when resource.open }\n"
    other = "forbid g { subject Agent action write resource Doc when resource.size > 1 }\n"
    text = kynara("inspect", written(project, rule + other)).stdout
    assert "read on Doc by Agent, and 2 more" in text


def test_who_acts_and_errors_have_their_marks(project: Path, kynara: Run) -> None:
    rules = "forbid f { subject any action read resource Doc when delegation.depth > 2 }\n"
    rules += "forbid g { subject Agent action read resource Doc when resource.size + 1 > 2 }\n"
    text = kynara("inspect", written(project, rules)).stdout
    rows = [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]
    assert ["2*", "+2", "2", "2", "read on Doc by Agent", "– (one by one)"] in rows
    assert ["1*", "1", "1", "read on Doc by User", "– (one by one)"] in rows
    assert "*: a rule asks who acts" in text
    assert "in error: what comes on top" in text
    plain = kynara("inspect", written(project, permits("when resource.open", 1))).stdout
    assert "*" not in plain
    assert "in error" not in plain


@pytest.mark.parametrize("columns", [20, 40, 75, 76, 100])
def test_it_fits_into_narrow_terminals(
    project: Path, kynara: Run, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    file = written(project, permits('when resource.kind == "k#"', 20) + permits("when resource.size + 1 > #", 3, "q#"))
    result = kynara("inspect", file)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= max(columns, 32)
    assert ("every time" in lines[3]) == (columns >= 76)
    assert not any(line != line.rstrip() for line in lines)


def test_colour_says_nothing_of_its_own(project: Path, kynara: Run) -> None:
    plain = kynara("inspect", "policies").stdout
    coloured = kynara("inspect", "policies", "--color", "always").stdout
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain


def test_a_program_without_rules_says_so(project: Path, kynara: Run) -> None:
    result = kynara("inspect", written(project, ""))
    assert result.exit_code == 0
    assert result.stdout == "No rule is about any of these requests: all of them are denied without a test.\n"


# --- choosing


def test_actions_and_types_choose_requests(project: Path, kynara: Run) -> None:
    every = shown(kynara, "policies")["buckets"]
    assert {(b["action"], b["resource"], b["subject"]) for b in every} == {
        (action, "Order", subject) for action in ("read", "refund") for subject in ("User", "Bot")
    }
    some = shown(kynara, "policies", "--action", "orders:refund", "--subject", "user", "--resource", "Order")["buckets"]
    assert [(b["action"], b["resource"], b["subject"]) for b in some] == [("refund", "Order", "User")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--action", "raed"], "there is no action `raed`\nhelp: did you mean `read`?"),
        (["--resource", "Ordr"], "there is no type `Ordr`\nhelp: did you mean `Order`?"),
        (["--subject", "Order"], "there is no type of subjects `Order`"),
        (
            ["--action", "read", "--resource", "User"],
            "the action `read` does not apply to a User\nhelp: it applies to Order",
        ),
    ],
)
def test_what_is_not_there_is_said(project: Path, kynara: Run, arguments: list[str], said: str) -> None:
    result = kynara("inspect", "policies", *arguments)
    assert result.exit_code == 2
    assert said in result.stderr
    assert result.stdout == ""


def test_a_policy_with_errors_is_not_looked_at(project: Path, kynara: Run) -> None:
    assert kynara("inspect", "broken").exit_code == 2


def test_declarations_without_an_action_are_no_traceback(project: Path, kynara: Run) -> None:
    (project / "none.kyn").write_text("subject User\nresource Doc\n", encoding="utf-8")
    result = kynara("inspect", "none.kyn")
    assert result.exit_code == 2
    assert "declares no action" in result.stderr


# --- limits


def test_a_limit_fails_where_more_tests_are_needed(project: Path, kynara: Run) -> None:
    file = written(project, permits('when resource.kind.contains("#")', 14))
    assert kynara("inspect", file, "--max-tests", "14").exit_code == 0
    result = kynara("inspect", file, "--max-tests", "13")
    assert result.exit_code == 1
    assert result.stderr == "1 kind of request can need more than 13 tests: up to 14\n"
    assert kynara("inspect", file, "--max-tests", "-1").exit_code == 2


# --- JSON


def documented() -> dict[str, set[str]]:
    """Return the members that the reference lists of each part of the JSON."""
    reference = (ROOT / "grammar" / "reference.md").read_text(encoding="utf-8")
    section = reference.split("\n### What `kynara inspect` prints\n")[1].split("\n## ")[0]
    whole = re.search(r"prints `\{(.*?)\}`", section)
    assert whole is not None
    found = {"all": set(re.findall(r'"(\w+)"', whole[1]))}
    for line in section.splitlines():
        if line.startswith("| a"):
            _, name, members, _ = line.split("|")
            found[name.strip()] = set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", members)))
    return found


def test_the_json_is_as_documented(project: Path, kynara: Run) -> None:
    file = written(project, permits('when resource.kind == "k#"', 20) + permits("when resource.size + 1 > #", 3, "q#"))
    found = shown(kynara, file)
    bucket, rule = found["buckets"][0], found["unskipped"][0]
    part = bucket["parts"][0]
    clause = rule["clauses"][0]
    assert documented() == {
        "all": set(found),
        "a bucket": set(bucket),
        "a part": set(part),
        "a switch": set(part["switches"][0]),
        "an unskipped rule": set(rule),
        "a clause": set(clause),
    }
    assert set(clause["obstacles"][0]) == {"code", "message", "help"}
    assert set(rule["buckets"][0]) == {"action", "resource", "subject"}


def test_the_json_has_the_numbers_of_everything(project: Path, kynara: Run) -> None:
    file = written(project, permits('when resource.kind == "k#"', 20) + permits("when resource.size + 1 > #", 3, "q#"))
    found = shown(kynara, file)
    assert (found["version"], found["tests"], found["without_rules"]) == (1, 4, 3)
    (bucket,) = found["buckets"]
    assert (bucket["rules"], bucket["tests"], bucket["tests_in_error"], bucket["depth"]) == (23, 4, 23, 1)
    assert bucket["asks_who_acts"] is False
    (part,) = bucket["parts"]
    assert part["unskipped"] == ["big.q0", "big.q1", "big.q2"]
    assert part["switches"] == [
        {"on": "resource.kind", "several": False, "cases": 20, "rules": 20, "tests": 1, "heaviest_case": 0}
    ]
    rule = found["unskipped"][0]
    assert (rule["rule"], rule["effect"], rule["file"], rule["tests"]) == ("big.q0", "permit", "big.kyn", 1)
    assert (rule["why"], rule["could"]) == ("no-index", [])
    assert rule["range"]["start"]["line"] == len(HEAD.splitlines()) + 21
    (clause,) = rule["clauses"]
    assert (clause["kind"], clause["range"]["start"]["line"]) == ("when", rule["range"]["start"]["line"])
    assert [o["code"] for o in clause["obstacles"]] == ["computed"]


def test_the_worst_buckets_come_first_in_json_too(project: Path, kynara: Run) -> None:
    found = shown(kynara, str(ROOT / "examples" / "coding_agent" / "policies"))["buckets"]
    assert all(one["tests"] >= next_one["tests"] for one, next_one in pairwise(found))
    assert found[0]["tests"] > found[-1]["tests"]


# --- DOT


def test_the_drawing_has_a_node_for_each_switch_and_for_rules_beside_it(project: Path, kynara: Run) -> None:
    file = written(project, permits('when resource.kind == "k#"', 20) + permits("when resource.open", 1, "lone"))
    drawn = kynara("inspect", file, "--format", "dot").stdout
    assert drawn.startswith("digraph trees {\n")
    assert drawn.endswith("}\n")
    assert 'label="read on Doc by User\\nup to 2 tests", shape=oval' in drawn
    assert 'label="resource.kind\\n20 cases", shape=diamond' in drawn
    assert re.search(r'n\d+ -> n\d+ \[label="20 cases"\];', drawn)
    assert 'label="big.lone"' in drawn
    named = set(re.findall(r"^  (n\d+) \[", drawn, re.MULTILINE))
    assert {node for edge in re.findall(r"(n\d+) -> (n\d+)", drawn) for node in edge} <= named
