"""Near names: what is suggested for a misspelled word, and what had better not be."""

import pytest

from kynara_lang.diagnostics.suggest import distance, near


@pytest.mark.parametrize(
    ("word", "names", "expected"),
    [
        # other case
        ("user", ["User", "Order"], "User"),
        ("USER", ["User"], "User"),
        ("STRASSE", ["straße"], "straße"),
        # a letter wrong, missing or too many
        ("usr", ["User", "Order"], "User"),
        ("tenent", ["tenant", "tenants"], "tenant"),
        ("tenants", ["tenant"], "tenant"),
        ("departement", ["department"], "department"),
        ("tenantId", ["tenant_id"], "tenant_id"),
        ("a", ["ab"], "ab"),
        # two letters swapped
        ("ownre", ["owner", "own"], "owner"),
        ("teh", ["ten", "the"], "the"),
        ("on", ["no"], "no"),
        # abbreviations, both ways
        ("dept", ["department"], "department"),
        ("department", ["dept"], "dept"),
        ("org", ["organization"], "organization"),
        ("qty", ["quantity"], "quantity"),
        ("amt", ["amount"], "amount"),
        ("cust_id", ["customer_id"], "customer_id"),
        # the nearest of several, and the first by name of equally near ones
        ("statsu", ["state", "status", "stats"], "status"),
        ("bat", ["cat", "bag"], "bag"),
        ("bat", ["bag", "cat"], "bag"),
        ("User", ["USER", "Users", "User"], "USER"),
    ],
)
def test_near(word: str, names: list[str], expected: str) -> None:
    assert near(word, names) == expected


@pytest.mark.parametrize(
    ("word", "names"),
    [
        ("foo", []),
        ("foo", ["bar"]),
        ("x", ["y", "z"]),
        ("", ["a"]),
        ("permit", ["forbid", "require"]),
        ("total", ["to"]),
        ("is", ["issuer"]),
        # letters of a short word are found in order in almost any long one
        ("age", ["average_price"]),
        ("average_price", ["age"]),
        ("cat", ["created_at"]),
        ("usr", ["unsubscribe_error"]),
        ("set", ["some_entity_type"]),
        ("ept", ["department"]),
        ("a" * 101, ["a" * 101]),
        ("abc", ["a" + "x" * 200 + "bc"]),
    ],
)
def test_nothing_silly(word: str, names: list[str]) -> None:
    assert near(word, names) is None


@pytest.mark.parametrize(
    ("a", "b", "limit", "expected"),
    [
        ("", "", 1, 0),
        ("abc", "abc", 1, 0),
        ("abc", "acb", 1, 1),
        ("abc", "ab", 1, 1),
        ("kitten", "sitting", 3, 3),
        ("kitten", "sitting", 2, 3),
        ("abc", "xyz", 1, 2),
        ("short", "much longer", 2, 3),
    ],
)
def test_distance(a: str, b: str, limit: int, expected: int) -> None:
    assert distance(a, b, limit) == expected
    assert distance(b, a, limit) == expected
