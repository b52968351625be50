"""Trees as data and back: every tree returns as it was, and no data makes anything else but a tree."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from attrs import fields

from kynara_lang.diagnostics.diagnostic import Report
from kynara_lang.diagnostics.source import Source, Span
from kynara_lang.syntax import ast, walk
from kynara_lang.syntax.parser import read
from kynara_lang.syntax.stored import NoTree, from_data, to_data
from tests.syntax.shapes import module

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = [
    path
    for folder in ("tests/syntax", "tests/golden/diagnostics", "examples", "stdlib_policies")
    for path in sorted((ROOT / folder).rglob("*.kyn"))
]
REST = """\
module rest
permit p "d" { subject any action any resource any scope delegated valid from 2026-01-01 }
type Money = {amount: Decimal, note as "n": String?}
let f(a: Set<Int>) = all x in a: -x + 1 * 2 > 0 or not (true == false)
action a on R modifies x acts as resource.owner requires b  # a comment
test "t" { given bot given context { r: {a: 1, b: 1.5} } expect deny a on r { d: 15m } }
"""
SMALL = Source("small.kyn", 'module m\nimport std.tenancy\n## doc\nrole r # end\nforbid f { when a.b == {1, "x"} }\n')


def through(parsed: ast.Module) -> ast.Module:
    """Send a tree through JSON."""
    return from_data(json.loads(json.dumps(to_data(parsed))), parsed.source)


def assert_same(one: Any, other: Any) -> None:
    waiting = [(one, other)]
    while waiting:
        left, right = waiting.pop()
        assert type(left) is type(right)
        if isinstance(left, tuple):
            assert len(left) == len(right)
            waiting += zip(left, right, strict=True)
        elif isinstance(left, ast.Node | ast.Module):
            waiting += [(getattr(left, f.name), getattr(right, f.name)) for f in fields(type(left))]
        elif isinstance(left, Span):
            assert left.source is right.source
            assert (left.start, left.end) == (right.start, right.end)
        else:
            assert left is right or left == right


def test_every_tree_comes_back_and_every_class_is_among_them() -> None:
    kept: set[type] = set()
    for text in [*(path.read_text(encoding="utf-8") for path in PROGRAMS), REST]:
        report = Report()
        parsed = read(Source("p.kyn", text), report)
        if report.sorted():
            continue
        assert_same(parsed, through(parsed))
        for top in (*parsed.imports, *parsed.declarations, *parsed.comments):
            kept.update(type(node) for node in walk.descend(top))
    kinds = {kind for kind in vars(ast).values() if isinstance(kind, type) and issubclass(kind, ast.Node)}
    leaves = {kind for kind in kinds if not any(other is not kind and issubclass(other, kind) for other in kinds)}
    assert leaves == kept


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n", "module m", "\ufeffrole r"])
def test_a_text_with_little_in_it_comes_back(text: str) -> None:
    parsed = module(text)
    assert_same(parsed, through(parsed))


def test_the_span_of_a_node_points_into_the_source_that_is_given() -> None:
    source = Source("other.kyn", SMALL.text)
    found = from_data(to_data(read(SMALL, Report())), source)
    assert found.source is source
    assert found.declarations[0].span.source is source
    assert found.declarations[0].span.text == "role r"


# Data that is no tree


def data() -> Any:
    return to_data(read(SMALL, Report()))


def test_the_data_of_these_tests_is_a_tree_before_it_is_changed() -> None:
    assert len(from_data(data(), SMALL).declarations) == 2


@pytest.mark.parametrize(
    "wrong", [None, 1, "x", [], {}, {"name": []}, [[]], {"name": [], "imports": [], "declarations": []}]
)
def test_another_kind_of_data_is_no_tree(wrong: object) -> None:
    with pytest.raises(NoTree):
        from_data(wrong, SMALL)


@pytest.mark.parametrize("part", ["name", "imports", "declarations", "comments"])
@pytest.mark.parametrize("wrong", [None, 1, [[]], [[[]]], [1], ["x"], {"a": 1}, [{}], [[{}]], [None]])
def test_a_part_of_another_kind_is_no_tree(part: str, wrong: object) -> None:
    changed = data()
    changed[part] = wrong
    with pytest.raises(NoTree):
        from_data(changed, SMALL)


def test_parts_are_not_mixed_up() -> None:
    for part in ("name", "imports", "declarations", "comments"):
        for other in ("name", "imports", "declarations", "comments"):
            changed = data()
            changed[part] = changed[other][:1]
            if part != other:
                with pytest.raises(NoTree):
                    from_data(changed, SMALL)


def test_there_is_one_name_at_most() -> None:
    changed = data()
    changed["name"] *= 2
    with pytest.raises(NoTree):
        from_data(changed, SMALL)


END = len(SMALL.text)


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *((0, wrong) for wrong in (-1, 1000, "Ident", None, [], 1.5)),
        *((1, wrong) for wrong in (-1, END + 1, "0", None, 1.0, True)),
        *((2, wrong) for wrong in (-1, END + 1, "0", None, 0.5, 0)),
    ],
)
def test_a_row_with_a_wrong_beginning_is_no_tree(place: int, value: object) -> None:
    changed = data()
    changed["declarations"][0][0][place] = value  # the name of the role
    with pytest.raises(NoTree):
        from_data(changed, SMALL)


def test_every_wrong_field_is_found() -> None:
    """Each value of each row, one after the other, becomes something that its field cannot hold."""
    right = data()
    for part in ("declarations", "imports", "comments", "name"):
        for at, rows in enumerate(right[part]):
            for number, row in enumerate(rows):
                for place in range(3, len(row)):
                    for wrong in ({}, [], 1.5, -1, 10**30, "other" if type(row[place]) is int else 7):
                        changed = copy.deepcopy(right)
                        changed[part][at][number][place] = wrong
                        with pytest.raises(NoTree):
                            from_data(changed, SMALL)


def test_a_row_too_many_or_too_few_is_no_tree() -> None:
    right = data()
    for at, rows in enumerate(right["declarations"]):
        for number in range(len(rows)):
            fewer, more, longer = copy.deepcopy(right), copy.deepcopy(right), copy.deepcopy(right)
            del fewer["declarations"][at][number]
            more["declarations"][at].insert(number, rows[0])
            longer["declarations"][at][number].append(0)
            for changed in (fewer, more, longer):
                with pytest.raises(NoTree):
                    from_data(changed, SMALL)


def test_an_operator_that_there_is_not_is_no_tree() -> None:
    text = json.dumps(data())
    assert text.count('"=="') == 1
    with pytest.raises(NoTree):
        from_data(json.loads(text.replace('"=="', '"is not"')), SMALL)


@pytest.mark.parametrize("deeper", [20, 200_000])
def test_what_is_too_deep_is_no_tree(deeper: int) -> None:
    source = Source("deep.kyn", f"let a = {'not ' * 70}true")
    deep = data_of(source)
    rows = deep["declarations"][0]
    assert from_data(deep, source).declarations
    literal = next(number for number, row in enumerate(rows) if row[-1] is True)
    rows[literal + 1 : literal + 1] = [rows[literal + 1]] * 5
    assert from_data(deep, source).declarations
    rows[literal + 1 : literal + 1] = [rows[literal + 1]] * deeper
    with pytest.raises(NoTree):
        from_data(deep, source)


def test_a_node_of_a_class_that_its_field_cannot_hold_is_no_tree() -> None:
    changed = data()
    text = next(row for row in changed["declarations"][1] if row[3:] == ["x"])
    assert changed["declarations"][0][0][3:] == ["r"]
    changed["declarations"][0][0][0] = text[0]  # a text as the name of the role
    with pytest.raises(NoTree):
        from_data(changed, SMALL)


def data_of(source: Source) -> Any:
    return to_data(read(source, Report()))


def test_random_changes_make_a_tree_or_none() -> None:
    draw = random.Random(7)
    junk = [None, -1, 0, 1, 2, 3, 10**9, True, "", "x", "==", [], [1], {}, 2.0]
    refused = 0
    for _ in range(3000):
        changed = data()
        rows = draw.choice([rows for part in changed.values() for rows in part])
        for _ in range(draw.randint(1, 3)):
            row = draw.choice(rows)
            match draw.randint(0, 3):
                case 0 if row:
                    row[draw.randrange(len(row))] = draw.choice(junk)
                case 1:
                    row.append(draw.choice(junk))
                case 2:
                    rows.append(list(draw.choice(rows)))
                case _:
                    draw.shuffle(rows)
        try:
            found = from_data(changed, SMALL)
        except NoTree:
            refused += 1
            continue
        for top in (*found.imports, *found.declarations, *found.comments):
            assert all(0 <= node.span.start <= node.span.end <= END for node in walk.descend(top))
    assert refused > 2000
