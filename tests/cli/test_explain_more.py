"""`kynara explain` for other readers: agents, browsers, and whoever reads a log later."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from tests.cli.project import POLICY, Run
from tests.cli.test_explain import REQUEST, explained

DENIED = {**REQUEST, "action": {"name": "orders:refund", "properties": {"amount": "90.00", "the-note": "<b>☃\u202e"}}}


def recorded(kynara: Run, project: Path, *requests: Any) -> list[dict[str, Any]]:
    lines = "".join(json.dumps(r) + "\n" for r in requests)
    (project / "requests.jsonl").write_text(lines)
    result = kynara("decide", "policies", "--requests", "requests.jsonl", "--with-request")
    assert result.exit_code == 0, result.output
    assert result.stdout.isascii()
    (project / "log.jsonl").write_text(result.stdout)
    return [json.loads(line) for line in result.stdout.splitlines()]


class TestRecords:
    def test_a_line_repeats_its_request(self, kynara: Run, project: Path) -> None:
        assert [line["request"] for line in recorded(kynara, project, REQUEST, DENIED)] == [REQUEST, DENIED]

    def test_a_recorded_line_is_explained(self, kynara: Run, project: Path) -> None:
        recorded(kynara, project, REQUEST, DENIED)
        found = explained(
            kynara("explain", "policies", "--requests", "log.jsonl", "--request-line", "2", "--format", "json")
        )
        assert found["decision"] == "deny"
        assert found["recorded"]["same_policy"] is True
        assert found["recorded"]["same_decision"] is True

    def test_another_policy_is_said(self, kynara: Run, project: Path) -> None:
        recorded(kynara, project, DENIED)
        for file in project.rglob("*.kyn"):
            file.write_text(file.read_text().replace("args.amount <= resource.total", "args.amount < resource.total"))
        assert "args.amount < resource.total" in POLICY.replace("<=", "<")
        text = kynara("explain", "policies", "--requests", "log.jsonl", "--request-line", "1").stdout
        assert text.startswith("This was decided as deny under another policy")
        found = explained(
            kynara("explain", "policies", "--requests", "log.jsonl", "--request-line", "1", "--format", "json")
        )
        assert found["recorded"]["same_policy"] is False

    def test_a_decision_without_its_request_cannot_be_explained(self, kynara: Run, project: Path) -> None:
        recorded(kynara, project, REQUEST)
        (line,) = [json.loads(x) for x in (project / "log.jsonl").read_text().splitlines()]
        del line["request"]
        (project / "log.jsonl").write_text(json.dumps(line))
        result = kynara("explain", "policies", "--request", "log.jsonl")
        assert result.exit_code == 2
        assert "--with-request" in result.output

    def test_a_recorded_batch_is_explained_item_by_item(self, kynara: Run, project: Path) -> None:
        recorded(kynara, project, {**REQUEST, "evaluations": [{}, {"action": DENIED["action"]}]})
        found = explained(kynara("explain", "policies", "--request", "log.jsonl", "--format", "json"))
        assert [e["decision"] for e in found["evaluations"]] == ["allow", "deny"]


class TestAgents:
    def test_text_and_json_say_nothing_of_the_policy(self, kynara: Run, project: Path) -> None:
        (project / "r.json").write_text(json.dumps(DENIED))
        text = kynara("explain", "policies", "--request", "r.json", "--audience", "agent").stdout
        assert "not-permitted" in text
        assert "refund_orders" not in text
        assert "total" not in text
        found = explained(
            kynara("explain", "policies", "--request", "r.json", "--audience", "agent", "--format", "json")
        )
        assert set(found) == {"decision", "reason", "message"}

    def test_no_page_for_agents(self, kynara: Run, project: Path) -> None:
        (project / "r.json").write_text(json.dumps(DENIED))
        assert (
            kynara("explain", "policies", "--request", "r.json", "--audience", "agent", "--format", "html").exit_code
            == 2
        )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


class TestPages:
    def page(self, kynara: Run, project: Path, request: Any) -> str:
        (project / "r.json").write_text(json.dumps(request))
        result = kynara("explain", "policies", "--request", "r.json", "--format", "html")
        assert result.exit_code == 0, result.output
        return result.stdout

    def test_it_is_well_formed_and_needs_no_network(self, kynara: Run, project: Path) -> None:
        page = self.page(kynara, project, DENIED)
        tags = _Tags()
        tags.feed(page)
        assert tags.open == []
        names = {tag for tag, _ in tags.seen}
        assert not names & {"script", "link", "img", "iframe", "object"}
        assert not re.search(r"https?://|url\(|@import", page)

    def test_what_matters_is_unfolded(self, kynara: Run, project: Path) -> None:
        page = self.page(kynara, project, DENIED)
        (open_rule,) = re.findall(r"<details open><summary><span>(.*?)</summary>", page)
        assert "shop.refund_orders" in open_rule

    def test_texts_of_requests_are_escaped(self, kynara: Run, project: Path) -> None:
        evil = "<script>alert(1)</script>"
        page = self.page(kynara, project, {**DENIED, "resource": {**DENIED["resource"], "id": evil}})
        assert "<script" not in page
        assert "&lt;script&gt;" in page


def test_every_rule_is_listed_where_asked(kynara: Run, project: Path) -> None:
    many = "".join(
        f'permit extra{i} "x" {{ subject User action read resource Order scope any "t" }}\n' for i in range(120)
    )
    (project / "policies" / "extra.kyn").write_text(many)
    (project / "r.json").write_text(json.dumps(DENIED))
    short = kynara("explain", "policies", "--request", "r.json").stdout
    assert "121 more: it is not about `refund`" in short
    assert "extra7" not in short
    everything = kynara("explain", "policies", "--request", "r.json", "--all").stdout
    assert "extra.extra7" in everything
    assert " more: " not in everything


def test_one_request_laid_out_for_people_is_no_stream(kynara: Run, project: Path) -> None:
    (project / "r.json").write_text(json.dumps(DENIED, indent=2))
    result = kynara("decide", "policies", "--requests", "r.json")
    assert result.exit_code == 2
    assert "kynara explain --request" in result.output


def test_what_an_approval_is_bound_to_is_shown(kynara: Run, project: Path) -> None:
    late = {**REQUEST, "context": {"now": "2026-12-24T10:00:00Z"}}
    (project / "r.json").write_text(json.dumps(late))
    digest = explained(kynara("explain", "policies", "--request", "r.json", "--format", "json"))["approval_digest"]
    assert digest in kynara("explain", "policies", "--request", "r.json").stdout


def test_where_nothing_small_helps_that_is_said(kynara: Run, project: Path) -> None:
    bot = {"type": "Bot", "id": "b", "properties": {"tenant": "x"}}
    (project / "r.json").write_text(json.dumps({**REQUEST, "action": {"name": "read"}, "subject": bot}))
    for file in project.rglob("*.kyn"):
        file.write_text(file.read_text() + "\nforbid none { subject Bot action read resource Order }\n")
    assert "No small change to this request" in kynara("explain", "policies", "--request", "r.json").stdout
