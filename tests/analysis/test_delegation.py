"""Three ways to let an agent act for a person: two of them give it more than the person has, and the prover shows how.

Union: the agent gets the roles of both. Intersection: it gets the roles that both have, and is judged by its own
attributes. Kynara's way: each of the two is judged, and the least counts.
"""

from __future__ import annotations

from kynara_lang.analysis.links import Link, Slice
from kynara_lang.analysis.question import Question
from kynara_lang.analysis.solver import Answer, Limits, Term
from kynara_lang.analysis.universe import Mention
from kynara_lang.checker.symbols import Program
from kynara_lang.diagnostics.source import Source
from kynara_lang.pipeline import check_sources
from kynara_lang.runtime.replay import Replay

POLICY = """\
subject Person { suspended: Bool }
subject Agent { suspended: Bool }
resource File { secret: Bool }
action read on File
role reader
role cleared extends reader

permit readers "Readers read what is not secret" {
  subject  any with role reader
  action   read
  resource File
  scope    not resource.secret
}
permit cleared_read "Who is cleared reads what is secret" {
  subject  any with role cleared
  action   read
  resource File
  scope    resource.secret
}
forbid suspended "Who is suspended reads nothing" {
  subject  Person, Agent
  action   read
  resource File
  when     subject.suspended
}
"""
PLACE = Slice("read", "Agent", "File")


def program() -> Program:
    return check_sources([Source("policy.kyn", POLICY)]).program


def with_roles(question: Question, combine: str) -> Link:
    """Return the agent's link, judged with roles made of its own and the person's."""
    agent, person = question.chain
    universe, smt = question.universe, question.universe.smt
    made = Mention("agent with other roles", agent.key, agent.types, attributes=agent.attributes)
    join = smt.either if combine == "union" else smt.both
    for role in ("reader", "cleared"):
        made.roles[role] = join(universe.role(agent, role, question.program), universe.role(person, role, question.program))
    return Link(universe, question.program, PLACE, made, question.around)


def exceeds(question: Question, agent_may: Term) -> tuple[Answer, dict[str, object] | None]:
    """Ask whether the agent may what the person it acts for may not."""
    (person_link, *_) = question.links[1]
    answer, model = question.ask(agent_may, question.universe.smt.no(person_link.allowed))
    return answer, None if model is None else question.written(model)


def test_the_union_of_roles_exceeds_the_person() -> None:
    question = Question(program(), PLACE, Limits(), chain=("Person",))
    answer, request = exceeds(question, with_roles(question, "union").allowed)
    assert answer is Answer.SAT
    assert request is not None
    assert "roles" in request["subject"]  # type: ignore[operator]


def test_the_intersection_of_roles_exceeds_the_person() -> None:
    question = Question(program(), PLACE, Limits(), chain=("Person",))
    answer, request = exceeds(question, with_roles(question, "intersection").allowed)
    assert answer is Answer.SAT
    assert request is not None
    person = request["subject"]["on_behalf_of"]  # type: ignore[index]
    assert person["properties"]["suspended"] is True  # the agent is not suspended, and the roles are shared
    assert Replay(program()).decision(request) == "deny"


def test_the_least_of_both_never_does() -> None:
    question = Question(program(), PLACE, Limits(), chain=("Person",))
    answer, _ = exceeds(question, question.decided("allow"))
    assert answer is Answer.UNSAT
