"""Cedar in Rust by cedarpy, with policies and entities parsed beforehand; all policies, or those that a host's index chose."""

from __future__ import annotations

import json
from typing import Any

import cedarpy

from tests.benchmarks.engines.shape import Asked, Engine, Form, buckets, distinct, questions
from tests.benchmarks.workloads.shape import Atom, Rule

APPLICATIONS = {
    "gdrive": """
permit(principal, action == Action::"read", resource) when { resource in principal.view };
permit(principal, action == Action::"read", resource) when { resource.public };
permit(principal, action in [Action::"read", Action::"write", Action::"share"], resource)
  when { resource in principal.documents || resource in principal.folders };
permit(principal, action == Action::"change_owner", resource) when { principal.documents.contains(resource) };
permit(principal, action == Action::"create_document", resource) when { principal.folders.contains(resource) };
""",
    "github": """
permit(principal, action == Action::"read", resource) when { principal in resource.readers };
permit(principal, action in [Action::"read", Action::"triage"], resource) when { principal in resource.triagers };
permit(principal, action in [Action::"read", Action::"triage", Action::"write"], resource)
  when { principal in resource.writers };
permit(principal, action in [Action::"read", Action::"triage", Action::"write", Action::"maintain"], resource)
  when { principal in resource.maintainers };
permit(principal, action, resource) when { principal in resource.admins };
permit(principal, action == Action::"read", resource) when { principal in resource.owner.readers };
permit(principal, action in [Action::"read", Action::"triage", Action::"write"], resource)
  when { principal in resource.owner.writers };
permit(principal, action, resource) when { principal in resource.owner.admins };
""",
    "tinytodo": """
permit(principal, action in [Action::"create_list", Action::"get_lists"], resource == Application::"TinyTodo");
permit(principal, action, resource) when { resource has owner && resource.owner == principal };
permit(principal, action == Action::"get_list", resource)
  when { principal in resource.readers || principal in resource.editors };
permit(principal, action in [
    Action::"update_list", Action::"create_task", Action::"update_task", Action::"delete_task"
  ], resource) when { principal in resource.editors };
""",
}
ROOTS = {"subject": "principal", "resource": "resource", "context": "context"}


def test(atom: Atom) -> str:
    """Write a condition in Cedar."""
    op, root, name, constant = atom
    place = f"{ROOTS[root]}.{name}"
    match op:
        case "in":
            return f"{json.dumps(constant)}.contains({place})"
        case "holds":
            return f"{place}.contains({json.dumps(constant)})"
        case "meets":
            return f"{place}.containsAny({json.dumps(constant)})"
        case "within":
            return f'{place}.isInRange(ip("{constant}"))'
        case "begins":
            return f"{place} like {json.dumps(constant + '*')}"
        case "same":
            return f"{place} == {ROOTS[constant]}.{name}"
    return f"{place} {op} {json.dumps(constant)}"


def policy(rule: Rule) -> str:
    """Write a rule in Cedar; a role is a parent of who holds it."""
    principal = f'principal in Role::"{rule.role}"' if rule.role else "principal"
    actions = ", ".join(f'Action::"{action}"' for action in rule.actions)
    resource = f"resource is {rule.kind}" if rule.kind else "resource"
    when = " && ".join(map(test, rule.conditions))
    return f"{rule.effect}({principal}, action in [{actions}], {resource}) when {{ {when} }};"


def uid(entity: dict[str, Any]) -> dict[str, str]:
    return {"type": entity["type"], "id": entity["id"]}


def value(found: Any) -> Any:
    """Write a property; references are marked."""
    if isinstance(found, list):
        return [value(item) for item in found]
    return {"__entity": found} if isinstance(found, dict) else found


class Cedar(Engine):
    """All policies in one set, which Cedar looks through for each request."""

    def write(self) -> None:
        """Write policies and entities as texts."""
        self.text = APPLICATIONS.get(self.workload.kind) or "\n".join(map(policy, self.workload.rules))
        self.entities_text = json.dumps(self._entities())

    def _entities(self) -> list[Any]:
        if self.workload.entities is not None:
            return [
                {
                    "uid": uid(entity),
                    "attrs": {k: value(v) for k, v in entity["properties"].items()},
                    "parents": entity["parents"],
                }
                for entity in self.workload.entities
            ]
        asked = questions(self.workload)
        return [
            {
                "uid": uid(entity),
                "attrs": {k: v for k, v in entity.items() if k not in ("id", "type", "roles")},
                "parents": [{"type": "Role", "id": role} for role in entity["roles"]],
            }
            for entity in distinct(asked, "subject") + distinct(asked, "resource")
        ]

    def load(self) -> None:
        """Parse both."""
        self.policies = cedarpy.PolicySet.from_str(self.text)
        self.entities = cedarpy.Entities.from_json_str(self.entities_text)

    def forms(self) -> dict[str, Form]:
        """Return requests as cedarpy takes them, with the context as text; several are asked in one call."""
        allow, policies, entities = cedarpy.Decision.Allow, self.policies, self.entities

        def decide(chain: list[Any]) -> bool:
            for result in cedarpy.is_authorized_batch(chain, policies, entities):  # noqa: SIM110 - a generator would be timed, too
                if result.decision is not allow:
                    return False
            return True

        return {"prepared": (decide, self._requests())}

    def _requests(self) -> list[Any]:
        return [[_request(one) for one in chain] for chain in questions(self.workload)]


def _request(one: Asked) -> dict[str, Any]:
    context = {k: {"__extn": {"fn": "ip", "arg": v}} if k == "ip" else v for k, v in one.context.items()}
    return {
        "principal": uid(one.subject),
        "action": {"type": "Action", "id": one.action},
        "resource": uid(one.resource),
        "context": json.dumps(context),
    }


class IndexedCedar(Cedar):
    """A set of policies for each action and resource type, which a host made and chooses from."""

    def write(self) -> None:
        """Write the policies of each set."""
        super().write()
        types = sorted({entity["type"] for entity in distinct(questions(self.workload), "resource")})
        found = buckets(self.workload, types)
        self.texts = {key: "\n".join(policy(rule) for _, rule in rules) for key, rules in found.items()}

    def load(self) -> None:
        """Parse all sets."""
        self.entities = cedarpy.Entities.from_json_str(self.entities_text)
        self.sets = {key: cedarpy.PolicySet.from_str(text) for key, text in self.texts.items()}

    def forms(self) -> dict[str, Form]:
        """Return requests as cedarpy takes them; those for which there is no set are denied at once."""
        allow, sets, entities = cedarpy.Decision.Allow, self.sets, self.entities

        def decide(chain: list[Any]) -> bool:
            policies = sets.get((chain[0]["action"]["id"], chain[0]["resource"]["type"]))
            if policies is None:
                return False
            for result in cedarpy.is_authorized_batch(chain, policies, entities):  # noqa: SIM110 - a generator would be timed, too
                if result.decision is not allow:
                    return False
            return True

        return {"prepared": (decide, self._requests())}
