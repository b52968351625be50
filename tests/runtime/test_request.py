"""Requests: their shape and values, what the store overrides, and that only InvalidRequest is raised."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kynara_lang.runtime.canonical import approval_digest
from kynara_lang.runtime.ignored import ignored_attributes
from kynara_lang.runtime.problems import InvalidRequest, RequestProblem
from kynara_lang.runtime.request import (
    MAX_CHAIN,
    Needs,
    Request,
    expand_evaluations,
    read_shape,
    validate,
)
from tests.runtime.small_program import agent, doc, request, team, user, world

EVERYTHING = frozenset({"tenant", "mail", "manager", "friends", "mfa", "owner", "trust", "roles", "total", "lines"})
ALL_CONTEXT = frozenset({"now", "ip"})


def decide(raw: object, *stored: Any, read: frozenset[str] = EVERYTHING) -> Request:
    here = world(*stored)
    shape = read_shape(here, raw)
    return validate(here, shape, Needs((read,) * len(shape.chain), read, ALL_CONTEXT))


def problems(raw: object, *stored: Any, read: frozenset[str] = EVERYTHING) -> list[tuple[str, str]]:
    with pytest.raises(InvalidRequest) as caught:
        decide(raw, *stored, read=read)
    assert caught.value.problems
    for problem in caught.value.problems:
        assert problem.message.isprintable()
        assert set(problem.to_dict()) == {"code", "message", "path"}
    return [(problem.code, problem.path) for problem in caught.value.problems]


def acting(*chain: dict[str, Any]) -> dict[str, Any]:
    """Nest subjects: the first acts for the second, and so on."""
    *first, subject = chain
    for inner in reversed(first):
        subject = {**inner, "on_behalf_of": subject}
    return subject


def test_reads_a_request() -> None:
    owner = user(properties={"tenant": "acme"})
    got = decide(
        request(
            subject=acting(
                agent(properties={"owner": owner, "trust": "high", "roles": ["x"]}, roles=["support"]),
                user(properties={"tenant": "acme", "mfa-verified": True, "parents": [team("a")]}),
            ),
            action={
                "name": "mcp:pay",
                "properties": {
                    "amount": "10.00",
                    "To": ["a@B.c"],
                    "who": agent(),
                    "line": {"n": 1},
                    "junk": None,
                },
            },
            resource=doc(
                properties={"tenant": "acme", "total": 80, "junk": 1.5},
                parents=[{"type": "Folder", "id": "f"}],
            ),
            context={"now": "1970-01-01T00:00:00Z", "client-ip": "::1", "junk": []},
            junk=1,
        )
    )
    bot, alice = got.chain
    assert bot == "std.agents.Agent::bot"
    assert bot.attrs == {"owner": "User::alice", "trust": "high", "roles": {"x"}}
    assert bot.roles == {"support"}
    assert bot.ancestors == {"std.agents.Agent::bot"}
    assert bot.attrs["owner"].attrs == {"tenant": "acme"}
    assert alice.attrs == {"tenant": "acme", "mfa": True}
    assert alice.ancestors == {"User::alice", "Team::a"}
    assert got.action.key == "pay"
    assert {name: value for name, value in got.args.items() if name != "line"} == {
        "amount": 100_000,
        "to": {"a@b.c"},
        "who": "std.agents.Agent::bot",
    }
    assert got.resource.attrs == {"tenant": "acme", "total": 800_000}
    assert got.resource.ancestors == {"Doc::d-1", "Folder::f"}
    assert got.context == {"now": 0, "ip": 1}


class Hashable(dict[str, Any]):
    """An object of a request that a Python set can hold."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(self["id"])


@pytest.mark.parametrize("of", [list, tuple, set, frozenset])
@pytest.mark.parametrize("among", [False, True])
def test_roles_and_parents_are_what_python_has_for_a_list(of: type, among: bool) -> None:
    members: dict[str, Any] = {"roles": of(["support", "nobody"]), "parents": of([Hashable(team("a"))])}
    for said, roles, above in ((members, {"support"}, {"Team::a"}), ({"roles": of(), "parents": of()}, set(), set())):
        subject = user(properties=dict(said)) if among else user(**said)
        got = decide(request(subject=subject), read=frozenset())
        assert got.chain[0].roles == roles
        assert got.chain[0].ancestors == {"User::alice"} | above
        here = world(subject)
        stored = here.entity("User::alice")
        assert stored is not None
        assert (stored.roles, stored.ancestors) == (got.chain[0].roles, got.chain[0].ancestors)


def test_only_what_is_needed_is_read() -> None:
    raw = request(subject=user(properties={"tenant": 1}), context={"now": 1})
    here = world()
    got = validate(here, read_shape(here, raw), Needs((frozenset(),), frozenset({"total", "no_such"})))
    assert got.chain[0].attrs == {}
    assert got.resource.attrs == {"total": 800_000}
    assert got.context == {}


@pytest.mark.parametrize("raw", [None, 1, "x", [], True])
def test_a_request_is_an_object(raw: object) -> None:
    assert problems(raw) == [("malformed-request", "request")]


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"subject": None}, [("malformed-request", "subject")]),
        ({"subject": {}}, [("malformed-request", "subject.type"), ("malformed-request", "subject.id")]),
        ({"subject": {"type": "user", "id": 1}}, [("malformed-request", "subject.id")]),
        ({"subject": {"type": "usr", "id": "a"}}, [("unknown-type", "subject.type")]),
        ({"subject": {"type": "User", "id": "a"}}, [("unknown-type", "subject.type")]),
        ({"subject": doc()}, [("not-a-subject", "subject.type")]),
        ({"subject": user(roles=[1])}, [("malformed-request", "subject.roles[0]")]),
        ({"subject": user(roles=None)}, [("malformed-request", "subject.roles")]),
        ({"subject": user(properties=[])}, [("malformed-request", "subject.properties")]),
        ({"subject": user(on_behalf_of=None)}, [("malformed-request", "subject.on_behalf_of")]),
        ({"subject": user(on_behalf_of=user())}, [("repeated-principal", "subject.on_behalf_of")]),
        ({"subject": user(on_behalf_of=doc())}, [("not-a-subject", "subject.on_behalf_of.type")]),
        ({"subject": user(parents=[doc()])}, [("wrong-type", "subject.parents[0].type")]),
        (
            {"subject": user(parents=[{"type": "T", "id": "a"}])},
            [("unknown-type", "subject.parents[0].type")],
        ),
        (
            {"subject": user(parents=[team("a", parents=[user()])])},
            [("wrong-type", "subject.parents[0].parents[0].type")],
        ),
        ({"subject": user(roles=["a"], properties={"roles": []})}, [("contradictory", "subject.roles")]),
        ({"action": []}, [("malformed-request", "action")]),
        ({"action": {}}, [("malformed-request", "action.name")]),
        ({"action": {"name": 1}}, [("malformed-request", "action.name")]),
        ({"action": {"name": "pay"}}, [("unknown-action", "action.name")]),
        ({"action": {"name": "read", "properties": 1}}, [("malformed-request", "action.properties")]),
        ({"resource": team("a")}, [("action-not-applicable", "resource.type")]),
        ({"context": None}, [("malformed-request", "context")]),
        ({"context": []}, [("malformed-request", "context")]),
        (
            {"subject": {"type": "x"}, "action": {"name": "x"}, "resource": 1},
            [
                ("malformed-request", "subject.id"),
                ("unknown-action", "action.name"),
                ("malformed-request", "resource"),
            ],
        ),
    ],
)
def test_malformed_shapes(members: dict[str, Any], expected: list[tuple[str, str]]) -> None:
    assert problems(request(**members)) == expected


def test_every_member_is_needed_but_the_context() -> None:
    assert problems({}) == [("malformed-request", name) for name in ("subject", "action", "resource")]
    raw = request()
    del raw["context"]
    assert problems(raw) == [("missing-attribute", "context.now")]


def test_near_names_are_suggested() -> None:
    with pytest.raises(InvalidRequest) as caught:
        decide(request(action={"name": "mcp:pya"}, resource={"type": "Doc ", "id": "a"}))
    first, second = caught.value.problems
    assert first == RequestProblem(
        "unknown-action", "action.name", "there is no action `mcp:pya`; did you mean `mcp:pay`?"
    )
    assert second.message == "there is no entity type `Doc `; did you mean `Doc`?"


def test_chains_are_bounded() -> None:
    chain = [user(f"u{i}", properties={"tenant": "a"}) for i in range(MAX_CHAIN + 1)]
    assert len(decide(request(subject=acting(*chain[:-1]))).chain) == MAX_CHAIN
    assert problems(request(subject=acting(*chain))) == [("chain-too-long", "subject" + ".on_behalf_of" * MAX_CHAIN)]
    loop: dict[str, Any] = user()
    loop["on_behalf_of"] = loop
    assert ("chain-too-long", "subject" + ".on_behalf_of" * MAX_CHAIN) in problems(request(subject=loop))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"subject": user()}, ("missing-attribute", "subject.properties.tenant")),
        ({"subject": user(properties={"tenant": None})}, ("wrong-type", "subject.properties.tenant")),
        (
            {"subject": user(properties={"tenant": "a", "mfa-verified": 1})},
            ("wrong-type", "subject.properties.mfa-verified"),
        ),
        (
            {"resource": doc(properties={"tenant": "a", "total": 1.0})},
            ("wrong-type", "resource.properties.total"),
        ),
        ({"action": {"name": "mcp:pay"}}, ("missing-argument", "action.properties.amount")),
        (
            {"action": {"name": "mcp:pay", "properties": {"amount": True}}},
            ("wrong-type", "action.properties.amount"),
        ),
        (
            {"action": {"name": "mcp:pay", "properties": {"amount": 1, "To": "a@b.c"}}},
            ("wrong-type", "action.properties.To"),
        ),
        ({"context": {}}, ("missing-attribute", "context.now")),
        (
            {"context": {"now": "2026-11-22T10:00:00Z", "client-ip": "10.0.0.01"}},
            ("invalid-value", "context.client-ip"),
        ),
    ],
)
def test_values_that_do_not_fit(members: dict[str, Any], expected: tuple[str, str]) -> None:
    assert problems(request(**members)) == [expected]


def test_all_problems_of_values_come_in_order() -> None:
    assert problems(request(subject=user(), resource=doc(), context={})) == [
        ("missing-attribute", "context.now"),
        ("missing-attribute", "resource.properties.tenant"),
        ("missing-attribute", "resource.properties.total"),
        ("missing-attribute", "subject.properties.tenant"),
    ]


# The store


def test_the_store_counts_more_than_the_request() -> None:
    stored = user(properties={"tenant": "acme"}, roles=[], parents=[])
    raw = request(subject=user(properties={"tenant": 7, "mfa-verified": True}, roles=["support"], parents=[team("a")]))
    (alice,) = decide(raw, stored).chain
    assert alice.attrs == {"tenant": "acme", "mfa": True}
    assert alice.roles == frozenset()
    assert alice.ancestors == {"User::alice"}


def test_what_the_store_does_not_say_the_request_may() -> None:
    (alice,) = decide(
        request(
            subject=user(roles=["support"], parents=[team("a", parents=[team("x")]), team("b", parents=[team("y")])])
        ),
        user(properties={"tenant": "acme"}),
        team("a", parents=[team("c")]),
        team("b"),
    ).chain
    assert alice.roles == {"support"}
    # The store knows what `a` is in, and says nothing of `b`.
    assert alice.ancestors == {"User::alice", "Team::a", "Team::c", "Team::b", "Team::y"}


def test_an_empty_property_of_the_store_is_a_say() -> None:
    (alice,) = decide(request(subject=user(roles=["support"])), user(properties={"tenant": "a", "roles": []})).chain
    assert alice.roles == frozenset()


# What is ignored


def test_ignored_attributes_are_listed() -> None:
    here = world(user(properties={"tenant": "acme", "mail": "a@b.c"}, roles=["audit"], parents=[team("z")]))
    raw = request(
        subject=agent(
            properties={"odd": 1, "we ird\u202e": 2, "roles": []},
            roles=["nobody", "sup\nport", "support"],
            on_behalf_of=user(
                properties={"tenant": "evil", "mail": "a@B.c", "roles": ["audit", "lead"], "parents": []}
            ),
        ),
        action={"name": "read", "properties": {"x": 1}},
        resource=doc(properties={"a": 1}),
        context={"NOW": 1, "now": "x"},
    )
    assert ignored_attributes(here, read_shape(here, raw)) == [
        "subject.properties.odd",
        'subject.properties["we ird\\u202e"]',
        'subject.roles: "nobody"',
        'subject.roles: "sup\\nport"',
        'subject.on_behalf_of.roles: "lead"',
        "subject.on_behalf_of.properties.tenant",
        "subject.on_behalf_of.parents",
        "action.properties.x",
        "resource.properties.a",
        "context.NOW",
    ]


def test_nothing_is_ignored_of_a_plain_request() -> None:
    here = world(user(properties={"tenant": "acme"}, roles=["team-lead"], parents=[team("a")]))
    raw = request(subject=user(properties={"tenant": "acme"}, roles=["team-lead", "support"], parents=[team("a")]))
    assert ignored_attributes(here, read_shape(here, raw)) == []


def test_what_values_carry_to_no_effect_is_listed() -> None:
    bot = {"type": "Agent", "id": "b", "properties": {"trust": "low", "odd": 1}, "roles": ["nobody", "support"], "zzz": 1}
    action = {
        "name": "mcp:pay",
        "properties": {"amount": 1, "line": {"n": 1, "note": "", "iban": "x"}, "who": bot, "To": [{"a": 1}]},
    }
    assert ignored_attributes(world(), read_shape(world(), request(action=action))) == [
        "action.properties.line.iban",
        "action.properties.who.properties.odd",
        'action.properties.who.roles: "nobody"',
        "action.properties.who.zzz",
    ]


# Batches


def test_batches_are_expanded() -> None:
    raw = {
        "subject": user(),
        "context": {"a": 1},
        "evaluations": [
            {"action": {"name": "read"}, "resource": doc()},
            {"subject": agent(), "context": {}},
            7,
        ],
        "options": {},
    }
    assert expand_evaluations(raw) == [
        {"subject": user(), "context": {"a": 1}, "action": {"name": "read"}, "resource": doc()},
        {"subject": agent(), "context": {}},
        7,
    ]
    assert expand_evaluations(request()) == [request()]
    assert expand_evaluations(7) == [7]
    assert expand_evaluations({**request(), "evaluations": []}) == [request()]
    with pytest.raises(InvalidRequest):
        expand_evaluations({"evaluations": {}})


@pytest.mark.parametrize(
    "batch",
    [
        {**request(subject=agent()), "on_behalf_of": user(), "evaluations": [{}]},
        {**request(subject=agent()), "onBehalfOf": user(), "evaluations": [{}]},
        {**request(subject=agent()), "on_behalf_of": user(), "evaluations": []},
        {**request(), "evaluations": [{"evaluations": [{"subject": agent(on_behalf_of=user("mallory"))}]}]},
        {**request(), "evaluations": [{"on_behalf_of": user()}]},
    ],
)
def test_nothing_of_a_batch_gets_lost(batch: dict[str, Any]) -> None:
    for single in expand_evaluations(batch):
        with pytest.raises(InvalidRequest):
            read_shape(world(), single)


@pytest.mark.parametrize("items", [[], [{}], [{"subject": user("mallory")}], {"a": 1}, 7, None])
def test_a_batch_is_not_one_request(items: object) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_shape(world(), {**request(), "evaluations": items})
    (problem,) = caught.value.problems
    assert (problem.code, problem.path) == ("malformed-request", "evaluations")
    assert "`expand_evaluations` gives them one by one" in problem.message


def test_a_resource_acts_for_nobody() -> None:
    with pytest.raises(InvalidRequest) as caught:
        read_shape(world(), request(resource=doc(on_behalf_of=user())))
    assert [problem.path for problem in caught.value.problems] == ["resource.on_behalf_of"]


# Whatever comes

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-2, 2)
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(
        [
            "user",
            "Agent",
            "Doc",
            "Team",
            "Folder",
            "read",
            "mcp:pay",
            "alice",
            "support",
            "a@b.c",
            "1970-01-01T00:00:00Z",
        ]
    )
)
KEYS = st.sampled_from(
    [
        "subject",
        "action",
        "resource",
        "context",
        "evaluations",
        "on_behalf_of",
        "type",
        "id",
        "name",
        "properties",
    ]
    + ["roles", "parents", "tenant", "mail", "manager", "friends", "mfa-verified", "owner", "trust", "total"]
    + ["lines", "amount", "To", "who", "line", "at", "now", "client-ip", "n", "note"]
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=20,
)


def entities(kinds: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects that are nearly entities, so that the search gets past the first check."""
    return st.fixed_dictionaries(
        {"type": st.sampled_from(kinds) | JSON, "id": st.sampled_from(["a", "b"]) | JSON},
        optional={
            "properties": st.dictionaries(KEYS, JSON | st.sampled_from([user(), doc()]), max_size=5) | JSON,
            "roles": st.lists(st.sampled_from(["support", "x"])) | JSON,
            "parents": st.lists(st.sampled_from([team("a"), team("b", parents=[team("c")])])) | JSON,
            "on_behalf_of": st.sampled_from([user("u"), agent("u"), user(on_behalf_of=agent())]) | JSON,
        },
    )


NEARLY = st.fixed_dictionaries(
    {
        "subject": entities(["user", "Agent", "Doc"]),
        "action": st.fixed_dictionaries(
            {"name": st.sampled_from(["read", "mcp:pay"])},
            optional={"properties": st.dictionaries(KEYS, JSON) | JSON},
        ),
        "resource": entities(["Doc", "user"]),
        "context": st.dictionaries(KEYS, JSON) | JSON,
    }
)
STORED = world(user("a", properties={"tenant": "acme"}, roles=["audit"]), team("a", parents=[team("b")]), doc("b"))


@settings(max_examples=400)
@given(JSON | NEARLY)
def test_nothing_but_invalid_request_is_raised(raw: object) -> None:
    try:
        for one in expand_evaluations(raw):
            shape = read_shape(STORED, one)
            ignored_attributes(STORED, shape)
            got = validate(STORED, shape, Needs((EVERYTHING,) * len(shape.chain), EVERYTHING, ALL_CONTEXT))
            assert approval_digest("sha256:0", got).startswith("sha256:")
    except InvalidRequest as error:
        assert error.problems
        assert all(problem.message.isprintable() for problem in error.problems)
