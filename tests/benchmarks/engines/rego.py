"""Rego in Rust by regorus, with its register machine: programs compiled beforehand, inputs as JSON text.

Rules are in one package for each action and type, reached by a dynamic reference: the best form for this machine.
"""

from __future__ import annotations

import json
from typing import Any

import regorus

from tests.benchmarks.engines.shape import Engine, Form, buckets, distinct, in_seconds, questions
from tests.benchmarks.workloads.agents import PROFILES
from tests.benchmarks.workloads.github import enough
from tests.benchmarks.workloads.shape import Atom, Rule

APPLICATIONS = {
    "gdrive": """
u := data.users[input.p]
allow if { input.a == "read"; data.public[input.r] }
allow if { input.a == "read"; data.above[input.r][u.view] }
allow if { input.a in {"read", "write", "share"}; u.documents[input.r] }
allow if { input.a in {"read", "write", "share"}; some f, _ in u.folders; data.above[input.r][f] }
allow if { input.a == "change_owner"; u.documents[input.r] }
allow if { input.a == "create_document"; u.folders[input.r] }
""",
    "github": """
allow if { some place in data.enough[input.r][input.a]; data.above[input.p][place] }
""",
    "tinytodo": """
allow if { input.a in {"create_list", "get_lists"}; input.r == "Application:TinyTodo" }
allow if { data.lists[input.r].owner == input.p }
allow if { input.a == "get_list"; data.above[input.p][data.lists[input.r].readers] }
allow if {
  input.a in {"get_list", "update_list", "create_task", "update_task", "delete_task"}
  data.above[input.p][data.lists[input.r].editors]
}
""",
}
TOP = "package bench\nimport rego.v1\ndefault allow := false\n"
ROOTS = {"subject": "s", "resource": "r", "context": "input.c"}


def test(atom: Atom) -> str:
    """Write a condition in Rego."""
    op, root, name, constant = atom
    place = f"{ROOTS[root]}.{name}"
    match op:
        case "in":
            return f"{place} in {{{', '.join(map(json.dumps, constant))}}}"
        case "holds":
            return f"{json.dumps(constant)} in {place}"
        case "meets":
            return f"meets({place}, {{{', '.join(map(json.dumps, constant))}}})"
        case "within":
            return f"net.cidr_contains({json.dumps(constant)}, {place})"
        case "begins":
            return f"startswith({place}, {json.dumps(constant)})"
        case "same":
            return f"{place} == {ROOTS[constant]}.{name}"
    return f"{place} {op} {json.dumps(constant)}"


def body(rule: Rule) -> str:
    """Write the tests of a rule."""
    role = [f"s.roles[{json.dumps(rule.role)}]"] if rule.role else []
    return "; ".join([*role, *map(test, rule.conditions)])


class Rego(Engine):
    """A compiled program in a machine, with the data loaded into it."""

    def write(self) -> None:
        """Write the packages and the data."""
        if self.workload.graph is None:
            self.packages = self._agents() if self.workload.kind == "agents" else self._rules()
            asked = questions(self.workload)
            self.data: dict[str, Any] = {
                "subjects": {
                    e["id"]: {**e, "roles": dict.fromkeys(e["roles"], True)} for e in distinct(asked, "subject")
                },
                "resources": {e["id"]: e for e in distinct(asked, "resource")},
            }
        else:
            self.packages = [("bench.rego", TOP + APPLICATIONS[self.workload.kind])]
            self.data = self._graph()
        self.text = json.dumps(self.data)

    def _rules(self) -> list[tuple[str, str]]:
        forbids = any(rule.effect == "forbid" for rule in self.workload.rules)
        found = [("bench.rego", f"{TOP}allow if data.rules[input.t][input.a].allow\n")]
        types = sorted({entity["type"] for entity in distinct(questions(self.workload), "resource")})
        for (action, kind), rules in buckets(self.workload, types).items():
            lines = [
                f"package rules.{kind}[{json.dumps(action)}]",
                "import rego.v1",
                "s := data.subjects[input.s]",
                "r := data.resources[input.r]",
                "default allow := false",
                "meets(xs, ys) if { some x in xs; x in ys }",
            ]
            if forbids:
                lines += [
                    "allow if { permitted; not forbidden }",
                    "default permitted := false",
                    "default forbidden := false",
                ]
            heads = {"permit": "permitted" if forbids else "allow", "forbid": "forbidden"}
            lines += [f"{heads[rule.effect]} if {{ {body(rule)} }}" for _, rule in rules]
            found.append((f"{kind}-{action}.rego", "\n".join(lines) + "\n"))
        return found

    def _agents(self) -> list[tuple[str, str]]:
        both = "allow if { data.agent[input.a].ok; data.user[input.a].ok }\n"
        found = [("bench.rego", TOP + both)]
        for (tool, _), rules in buckets(self.workload, ["Call"]).items():
            for who, key in (("agent", "g"), ("user", "u")):
                lines = [
                    f"package {who}[{json.dumps(tool)}]",
                    "import rego.v1",
                    f"s := data.subjects[input.{key}]",
                    "default ok := false",
                    "default permitted := false",
                    "default forbidden := false",
                    "ok if { permitted; not forbidden }",
                ]
                heads = {"permit": "permitted", "forbid": "forbidden"}
                lines += [f"{heads[rule.effect]} if {{ {body(rule)} }}" for _, rule in rules if self._of(rule, who)]
                found.append((f"{who}-{tool}.rego", "\n".join(lines) + "\n"))
        return found

    def _of(self, rule: Rule, who: str) -> bool:
        return (rule.role in PROFILES) == (who == "agent")

    def _graph(self) -> dict[str, Any]:
        graph = self.workload.graph
        assert graph is not None
        above = {key: dict.fromkeys(sorted(found), True) for key, found in graph.ancestors().items()}
        of: dict[str, dict[str, Any]] = {}
        for key, (properties, _) in graph.entities.items():
            of.setdefault(key.partition(":")[0], {})[key] = properties
        if self.workload.kind == "gdrive":
            users = {
                key: {"view": u["view"], **{n: dict.fromkeys(u[n], True) for n in ("documents", "folders")}}
                for key, u in of["User"].items()
            }
            return {
                "users": users,
                "public": {k: True for k, d in of["Document"].items() if d["public"]},
                "above": above,
            }
        if self.workload.kind == "github":
            return {"enough": enough(graph), "above": {u: above[u] for u in of["User"]}}
        return {"lists": of["List"], "above": {u: above[u] for u in of["User"]}}

    def load(self) -> None:
        """Compile the packages, and load program and data."""
        program = regorus.Program.compile_from_modules(self.text, self.packages, ["data.bench.allow"])
        self.machine = regorus.Rvm()
        self.machine.load_program(program)
        self.machine.set_data_json(self.text)

    def forms(self) -> dict[str, Form]:
        """Return inputs as text that is made beforehand, which is this engine's best, and as dicts to be written first."""
        machine = self.machine
        inputs = [self._input(request) for request in self.workload.requests]

        def decide(text: str) -> str:
            machine.set_input_json(text)
            return str(machine.execute())

        return {
            "prepared": (decide, [json.dumps(found) for found in inputs]),
            "dict": (lambda found: decide(json.dumps(found)), inputs),
        }

    def _input(self, request: Any) -> dict[str, Any]:
        subject, action, resource = request["subject"], request["action"]["name"], request["resource"]
        if self.workload.graph is not None:
            return {"p": _key(subject), "a": action, "r": _key(resource)}
        if self.workload.kind == "agents":
            return {
                "g": subject["id"],
                "u": subject["on_behalf_of"]["id"],
                "a": action,
                "c": request["context"],
            }
        context = in_seconds(request["context"])
        return {"s": subject["id"], "a": action, "t": resource["type"], "r": resource["id"], "c": context}

    def allowed(self, answer: Any) -> bool | None:
        """Read the answer, which is JSON text."""
        return {"true": True, "false": False}.get(answer)


def _key(reference: dict[str, str]) -> str:
    return f"{reference['type']}:{reference['id']}"
