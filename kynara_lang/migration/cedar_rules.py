"""Makes rules of Cedar policies: heads become patterns, conditions clauses, and one of them the scope of a permit.

A policy becomes one rule, or several where its actions are for different principals. A policy that cannot be translated
is refused. A forbid that is refused leaves a rule in its place that forbids at least as much: without it the program
would permit what Cedar forbids.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from . import cedar_model as cedar
from .cedar_expressions import Facts, Refused, Said, Translator
from .cedar_model import Action, CedarType, EntityTypes, Model, Uid
from .cedar_names import Names, text_literal
from .cedar_outcomes import ERROR, Head, narrowed, outcomes
from .cedar_policies import Policy
from .cedar_shape import is_policy

_MALFORMED: Final = ("a malformed policy", "it is not what Cedar's format says", "correct the JSON")
_DESCRIPTIONS: Final = ("description", "doc", "comment", "note")
Condition = tuple[Any, bool]


@frozen(eq=False)
class Refusal:
    """A policy that is not in the program, and why; `stand_in` says that a wider forbid is there in its place."""

    policy: Policy
    what: str
    why: str
    instead: str
    node: Any = None
    stand_in: bool = False


@define
class Block:
    """The text of a rule, and the policy it comes from."""

    policy: Policy
    text: str
    groups: frozenset[Uid] = frozenset()


@define
class RuleWriter:
    """Writes the rules of a program."""

    model: Model
    names: Names
    context: Mapping[str, cedar.Field]
    taken: set[str] = field(factory=set)

    def write(self, policy: Policy, name: str) -> list[Block]:
        """Return the rules of a policy, or raise `Refused`."""
        if not is_policy(policy.node):
            raise Refused(*_MALFORMED)
        if policy.template:
            what = "a template" + (", linked" if policy.linked else "")
            why = "Kynara has no templates: what links somebody with something is data there"
            instead = "write a rule over an attribute, such as `scope subject in resource.readers`"
            raise Refused(what, why, instead, None)
        conditions = list(_conditions(policy))
        head = self._head(policy, conditions)
        before = head
        head = narrowed(head, conditions)
        if not (head.principals and head.resources and head.actions):
            self._raise_what_fails(before, conditions)
            raise _never(before)
        conditions = [one for one in conditions if not self._said_by_head(one)]
        blocks = []
        for several in self._parts(head):
            own = distinct_rule(name, self.taken)
            blocks.append(self._rule(policy, own, several, conditions))
            self.taken.add(own)
        if not blocks:
            raise _never(before)
        return blocks

    def _raise_what_fails(self, head: Head, conditions: Sequence[Condition]) -> None:
        """Raise `Refused` for the first condition that is in error whatever the data."""
        for node, _ in conditions:
            if outcomes(node, head) == ERROR:
                self._translator(head).condition(node)

    def stand_in(self, policy: Policy, name: str) -> Block:
        """Return a forbid of all that a policy which is refused can be about."""
        own = distinct_rule(name, self.taken)
        self.taken.add(own)
        try:
            if policy.template or not is_policy(policy.node):
                raise Refused(*_MALFORMED)
            head = self._head(policy, [])
            clauses, groups = self._head_clauses(policy, head, bare=True)
        except Refused:
            clauses, groups = ["subject any", "action any", "resource any"], frozenset()
        said = f"Stands for a forbid that could not be imported ({policy.short_place}), and forbids more than it"
        return Block(policy, _text("forbid", own, said, clauses), groups)

    # The head

    def _head(self, policy: Policy, conditions: Sequence[Condition]) -> Head:
        """Return the types and actions that the head of a policy covers, and conditions that belong into a head."""
        actions = self._actions(policy.node.get("action"))
        for node, positive in conditions:
            named = _named_actions(node) if positive else None
            if named is not None:
                covered = {one.uid for uid in named[0] for one in self._covered(uid, inside=named[1])}
                actions = tuple(action for action in actions if action.uid in covered)
        principals = frozenset().union(*(action.principals or () for action in actions))
        resources = frozenset().union(*(action.resources or () for action in actions))
        principals = self._types(policy, "principal", principals)
        resources = self._types(policy, "resource", resources)
        return Head(self.model, principals, resources, actions)

    def _actions(self, node: Any) -> tuple[Action, ...]:
        """Return the actions of a head."""
        match node:
            case {"op": "All"}:
                return self.model.performed()
            case {"op": "==", "entity": entity}:
                return self._covered(cedar.uid_of(entity), inside=False)
            case {"op": "in", "entity": entity}:
                return self._covered(cedar.uid_of(entity), inside=True)
            case {"op": "in", "entities": list(entities)}:
                found = {a.uid for one in entities for a in self._covered(cedar.uid_of(one), inside=True)}
                return tuple(action for action in self.model.performed() if action.uid in found)
        raise Refused(*_MALFORMED)

    def _covered(self, uid: Uid, *, inside: bool) -> tuple[Action, ...]:
        if uid not in self.model.actions:
            raise Refused(f"`{uid}`", "there is no such action", "declare it in the schema")
        if inside:
            return self.model.members(uid)
        action = self.model.actions[uid]
        return (action,) if action.performed else ()

    def _types(self, policy: Policy, variable: str, among: frozenset[str]) -> frozenset[str]:
        """Return the types that one part of a head covers."""
        match policy.node.get(variable):
            case {"op": "All"}:
                return among
            case {"op": "==", "entity": entity}:
                return among & {self._known(cedar.uid_of(entity).type)}
            case {"op": "in", "entity": entity}:
                return self._below(among, cedar.uid_of(entity))
            case {"op": "is", "entity_type": str(name), "in": {"entity": entity}}:
                return self._below(among & {self._known(name)}, cedar.uid_of(entity))
            case {"op": "is", "entity_type": str(name), **rest} if not rest:
                return among & {self._known(name)}
        raise Refused(*_MALFORMED)

    def _known(self, name: str) -> str:
        if name not in self.model.kinds:
            raise Refused(f"the type `{name}`", "there is no such entity type", "declare it in the schema")
        return name

    def _below(self, among: frozenset[str], uid: Uid) -> frozenset[str]:
        self._known(uid.type)
        return frozenset(name for name in among if uid.type in self.model.above(name))

    def _said_by_head(self, condition: Condition) -> bool:
        """Whether a condition is wholly in the patterns: it compares the action, or tells a type."""
        node, positive = condition
        match node:
            case {"is": {"left": {"Var": "principal" | "resource"}, **rest}} if positive and "in" not in rest:
                return True
        return positive and _named_actions(node) is not None

    def _parts(self, head: Head) -> Iterator[Head]:
        """Yield a head for each set of principals that actions are for, so that no rule covers more than Cedar does."""
        by_principals: dict[frozenset[str], list[Action]] = {}
        for action in head.actions:
            principals = head.principals & (action.principals or frozenset())
            if principals and head.resources & (action.resources or frozenset()):
                by_principals.setdefault(principals, []).append(action)
        for principals, actions in by_principals.items():
            resources = head.resources & frozenset().union(*(action.resources or () for action in actions))
            yield Head(self.model, principals, resources, tuple(actions))

    def _head_clauses(self, policy: Policy, head: Head, *, bare: bool) -> tuple[list[str], frozenset[Uid]]:
        """Return the clauses of a head; `bare` says that no condition reads subject or resource."""
        forbid = policy.effect == "forbid"
        actions, groups = self._action_words(policy, head, forbid)
        whole = frozenset().union(*(action.resources or () for action in head.actions))
        any_subject = forbid and bare and policy.node["principal"].get("op") == "All" and self._everybody(head)
        any_resource = forbid and policy.node["resource"].get("op") == "All" and head.resources == whole
        subject = "any" if any_subject else self._patterns(policy.node["principal"], head.principals)
        resource = "any" if any_resource else self._patterns(policy.node["resource"], head.resources)
        return [f"subject {subject}", f"action {actions}", f"resource {resource}"], groups

    def _everybody(self, head: Head) -> bool:
        return all(head.principals >= (action.principals or frozenset()) for action in head.actions)

    def _action_words(self, policy: Policy, head: Head, forbid: bool) -> tuple[str, frozenset[Uid]]:
        """Return what stands for the actions: their names, or a group that the policy names and that is no action."""
        if forbid and head.actions == self.model.performed():
            return "any", frozenset()
        node = policy.node["action"]
        given = [cedar.uid_of(one) for one in node.get("entities", [node["entity"]] if "entity" in node else [])]
        groups = [uid for uid in given if uid in self.model.actions and not self.model.actions[uid].performed]
        here = [action.uid for action in head.actions]
        whole = [
            uid for uid in groups if {a.uid for a in self.model.members(uid)} <= {*here} and self.model.members(uid)
        ]
        covered = {action.uid for uid in whole for action in self.model.members(uid)}
        words = [self.names.actions[uid] for uid in [*whole, *(uid for uid in here if uid not in covered)]]
        return ", ".join(words), frozenset(whole)

    def _patterns(self, node: Mapping[str, Any], types: frozenset[str]) -> str:
        """Return the patterns of principals or resources."""
        place = node.get("entity") or node.get("in", {}).get("entity")
        if place is None:
            return ", ".join(self.names.types[name] for name in sorted(types))
        uid = cedar.uid_of(place)
        entity = self.names.entity(uid)
        if node["op"] == "==":
            return entity
        # An entity is in itself, whether or not others of its type can be in it.
        alone = {name for name in types if name == uid.type and name not in self._above_parents(name)}
        found = [f"{self.names.types[name]} in {entity}" for name in sorted(types - alone)]
        return ", ".join([*found, *([entity] if alone else [])])

    def _above_parents(self, name: str) -> frozenset[str]:
        return frozenset().union(*(self.model.above(parent) for parent in self.model.kinds[name].parents))

    # The conditions

    def _rule(self, policy: Policy, name: str, head: Head, conditions: Sequence[Condition]) -> Block:
        """Write one rule."""
        start = self._translator(head)
        said: list[Said] = []
        facts = Facts()
        for node, positive in conditions:
            one = start.knowing(facts).condition(node)
            said.append(one)
            facts = facts.both(one.yes if positive else one.no)
        bare = not any(one.reads & {"principal", "resource"} for one in said)
        clauses, groups = self._head_clauses(policy, head, bare=bare)
        at, scope = -1, ""
        if policy.effect == "permit":
            at, scope = self._scope(policy, start, conditions, said)
            clauses.append(f"scope {scope}")
        last_when = max((i for i, (_, positive) in enumerate(conditions) if positive), default=-1)
        for i, ((_, positive), one) in enumerate(zip(conditions, said, strict=True)):
            if i in _inside_scope(at, scope, said) or one.decided is positive:
                continue
            if positive:
                clauses.append(f"when {one.text}")
            elif i < last_when:  # Kynara evaluates `unless` last, Cedar in order
                clauses.append(f"when not ({one.text})")
            else:
                clauses.append(f"unless {one.text}")
        return Block(policy, _text(policy.effect, name, _description(policy), clauses), groups)

    def _translator(self, head: Head) -> Translator:
        context = {f: one for f, one in self.context.items() if any(f in action.context for action in head.actions)}
        variables: dict[str, CedarType] = {
            "principal": EntityTypes(head.principals),
            "resource": EntityTypes(head.resources),
            "context": cedar.RecordType(context),
        }
        return Translator(self.model, self.names, variables)

    def _scope(
        self, policy: Policy, start: Translator, conditions: Sequence[Condition], said: Sequence[Said]
    ) -> tuple[int, str]:
        """Return the condition that bounds the resource, and its place; `any` with the reason where there is none."""
        ranked = sorted(
            (i for i, (node, positive) in enumerate(conditions) if positive and _bounds(node, said[i])),
            key=lambda i: ("principal" not in said[i].reads, i),
        )
        if not ranked:
            where = policy.short_place
            bound = policy.node["resource"].get("op") in ("==", "in") or "in" in policy.node["resource"]
            why = "bounded by the resources that the rule names" if bound else "no condition bounds its resources"
            return -1, f"any {text_literal(f'imported from Cedar: {why} ({where})')}"
        at = ranked[0]
        try:
            return at, start.condition(conditions[at][0]).text
        except Refused:  # it needs what earlier conditions prove, so they are part of it
            parts = [
                f"({one.text})" if positive else f"(not ({one.text}))"
                for one, (_, positive) in zip(said[: at + 1], conditions, strict=False)
            ]
            return at, " and ".join(parts)


def _inside_scope(at: int, scope: str, said: Sequence[Said]) -> frozenset[int]:
    """Return which conditions the scope has taken."""
    if at < 0:
        return frozenset()
    return frozenset((at,)) if scope == said[at].text else frozenset(range(at + 1))


def distinct_rule(name: str, taken: set[str]) -> str:
    """Return a name for a rule that no other has."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _never(head: Head) -> Refused:
    what = "a policy that can never match"
    why = "no principal, action and resource that are declared fit its head and conditions, so it decides nothing"
    if not head.actions:
        why = "none of its actions can be performed, so it decides nothing"
    return Refused(what, why, "leave it out, or correct the schema or the entities")


def _conditions(policy: Policy) -> Iterator[Condition]:
    """Yield the conditions of a policy in their order; what `&&` joins is taken apart."""
    for one in policy.node.get("conditions", []):
        if one["kind"] == "when":
            yield from ((node, True) for node in _conjuncts(one["body"]))
        else:
            yield one["body"], False


def _conjuncts(node: Any) -> Iterator[Any]:
    waiting = [node]
    while waiting:
        one = waiting.pop()
        match one:
            case {"&&": {"left": left, "right": right}}:
                waiting += [right, left]
            case _:
                yield one


def _named_actions(node: Any) -> tuple[list[Uid], bool] | None:
    """Return the actions that a condition compares the action with, and whether groups count."""
    match node:
        case {"==": {"left": {"Var": "action"}, "right": {"Value": {"__entity": entity}}}}:
            return [cedar.uid_of(entity)], False
        case {"in": {"left": {"Var": "action"}, "right": {"Value": {"__entity": entity}}}}:
            return [cedar.uid_of(entity)], True
        case {"in": {"left": {"Var": "action"}, "right": {"Set": list(items)}}}:
            found = [item["Value"] for item in items if isinstance(item.get("Value"), Mapping)]
            return ([cedar.uid_of(one) for one in found], True) if len(found) == len(items) else None
    return None


def _bounds(node: Any, said: Said) -> bool:
    """Whether a condition can be a scope: it says something of the resource, and not what it must not be."""
    return "resource" in said.reads and not (isinstance(node, Mapping) and {"!", "!="} & node.keys())


def _description(policy: Policy) -> str | None:
    found = [policy.annotations.get(name) for name in _DESCRIPTIONS]
    return next((text for text in found if isinstance(text, str) and text.strip()), None)


def _text(effect: str, name: str, description: str | None, clauses: Sequence[str]) -> str:
    said = f" {text_literal(description)}" if description else ""
    return f"{effect} {name}{said} {{\n" + "\n".join(f"  {clause}" for clause in clauses) + "\n}\n"
