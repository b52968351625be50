"""Rules that make no difference, and scopes that bound nothing: found where no pattern shows it, silent where they do."""

from __future__ import annotations

import pytest

from .programs import prove

WORK = 'permit work "d" { subject User with role staff action read, write resource Doc scope subject.team == resource.team'

FOUND = [
    # arithmetic, text and time beyond what structure shows
    ("KYN501", 'permit p "d" { subject User action read resource Doc scope subject.team == resource.team '
     "when resource.size * 2 == 7 }"),
    ("KYN501", 'permit p "d" { subject User action read resource Doc scope subject.team == resource.team '
     'when resource.path.name == "a" and resource.path.suffix == ".b" }'),
    ("KYN501", 'forbid f { subject User action read resource Doc when resource.mail.domain == "a.org" '
     'and resource.mail.domain within "b.org" }'),
    ("KYN503", f'{WORK} when resource.size > 4 }}\nforbid a {{ subject any action any resource any when resource is Doc and resource.size > 2 and resource.size < 100 }}'
     + "\nforbid b { subject any action any resource Doc when resource.size > 50 }"),
    ("KYN504", f"{WORK} }}\n" 'permit less "d" { subject User with role lead action read resource Doc '
     "scope resource.team == subject.team when resource.size * 2 > 10 }"),
    ("KYN504", f"{WORK} when resource.size < 10 }}\n" 'permit rest "d" { subject User with role staff action read, write '
     "resource Doc scope subject.team == resource.team when resource.size >= 10 }\n"
     'permit third "d" { subject User with role staff action read resource Doc scope subject.team == resource.team }'),
    ("KYN506", f"{WORK} when resource.team.length() > 10 }}\nrequire approval a {{ subject User action write resource Doc "
     'when resource.team == "sales" from User }'),
    ("KYN302", 'permit p "d" { subject User action read resource Doc scope subject.team == resource.team or subject.level > 5 }'),
    ("KYN302", 'permit p "d" { subject User action read resource Doc scope resource.team.length() >= 0 or resource.size == 3 }'),
    ("KYN302", 'permit p "d" { subject User action read resource Doc scope resource.team.starts_with(subject.team) '
     "or subject holds lead }"),
]
SILENT = [
    f"{WORK} }}",
    f"{WORK} when resource.size * 2 > 10 }}\nforbid f {{ subject any action write resource Doc when resource.size > 50 }}",
    'permit p "d" { subject User action read resource Doc scope resource.region in subject.regions }',
    'permit p "d" { subject User action read resource Doc scope resource.size <= subject.level }',
    'permit p "d" { subject User action read resource Doc scope subject in resource.readers }',
    'permit p "d" { subject Agent action read resource Doc scope delegated }',
    f"{WORK} }}\nforbid f {{ subject User action read resource Doc when actor is Agent }}",
    f"{WORK} }}\nforbid f {{ subject User action read resource Doc when delegation.depth > 2 }}",
    f"{WORK} }}\nrequire approval a {{ subject any action write resource Doc when resource.cost > 5.00 from User }}",
]


@pytest.mark.parametrize(("code", "text"), FOUND)
def test_what_structure_does_not_show_is_proved(code: str, text: str) -> None:
    proofs = prove(text)
    assert code in {d.code for d in proofs.findings}, proofs


@pytest.mark.parametrize("text", SILENT)
def test_rules_that_make_a_difference_are_left_alone(text: str) -> None:
    proofs = prove(text)
    assert proofs.findings == ()
    assert proofs.unsettled == ()
