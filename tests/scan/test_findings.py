"""`make scan` fails on a finding without an acceptance, and on an acceptance without a reason or without a finding."""

import pytest

from tools.console import StepError
from tools.contracts.docs.english import complaints
from tools.contracts.docs.prose import Passage
from tools.contracts.template import resources
from tools.scan import bandit, cfn_lint, checkov
from tools.scan.command import judge
from tools.scan.findings import Acceptance, Finding, Scan
from tools.scan.page import page

FINDING = Finding("R1", "Encrypt it", ("ApiStage", "Api"), "no key")


def scan(*accepted: Acceptance, answered: bool = True) -> Scan:
    return Scan("scanner", [FINDING], accepted, answered=answered)


def test_an_accepted_finding_passes():
    judge(
        [scan(Acceptance("R1", "Api", "It is public."))],
        page([scan(Acceptance("R1", "Api", "It is public."))]),
    )


@pytest.mark.parametrize(
    ("accepted", "complaint"),
    [
        ([], "R1 at ApiStage: no key"),
        (
            [Acceptance("R2", "Api", "why"), Acceptance("R1", "Api", "why")],
            "R2 at Api is accepted, but not found",
        ),
        (
            [Acceptance("R1", "Other", "why"), Acceptance("R1", "Api", "why")],
            "R1 at Other is accepted, but not found",
        ),
        ([Acceptance("R1", "Api", "")], "R1 at Api is accepted without a reason"),
    ],
)
def test_a_complaint_fails_the_scan(accepted, complaint, capsys):
    assert scan(*accepted).complaints() == [complaint]
    with pytest.raises(StepError):
        judge([scan(*accepted)], page([scan(*accepted)]))
    assert f"scanner: {complaint}" in capsys.readouterr().out


def test_an_acceptance_is_not_stale_while_nobody_could_look():
    silent = Scan("locks", [], [Acceptance("CVE-1", "package", "why")], answered=False)
    assert silent.complaints() == []


def test_a_pattern_accepts_in_a_whole_folder():
    found = Finding("B101", "assert", ("tools/shop/demo.py:3", "tools/shop/demo.py"))
    assert Acceptance("B101", "tools/*", "why").covers(found)
    assert not Acceptance("B101", "services/*", "why").covers(found)


def test_the_page_lists_each_acceptance_and_fails_the_scan_once_it_is_out_of_date(capsys):
    accepted = scan(
        Acceptance("R1", "services/a.py:12", "It is public."), Acceptance("R1", "Api", "It is public.")
    )
    written = page([accepted])
    assert "### R1: Encrypt it\n\n- It is public. (2: `Api`, `services/a.py`)\n" in written
    with pytest.raises(StepError):
        judge([scan(Acceptance("R1", "Api", "It is public."))], written)
    assert "docs/scanners.md is out of date" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("skipped", "reason"),
    [
        ({"id": "CKV_1", "comment": "It is public."}, "It is public."),
        ({"id": "CKV_1"}, ""),
        ({"id": "CKV_1", "comment": "It is public", "as all others": None}, ""),
    ],
)
def test_a_resource_of_the_template_accepts_what_its_metadata_skips(skipped, reason):
    [accepted] = checkov.accepted({"Api": {"Metadata": {"checkov": {"skip": [skipped]}}}})
    assert accepted == Acceptance("CKV_1", "Api", reason)


def test_metadata_of_cfn_lint_has_the_reason_beside_the_rule():
    metadata = {"cfn-lint": {"config": {"ignore_checks": ["E1", "E2"]}, "because": {"E1": "It is public."}}}
    assert list(cfn_lint.accepted_beside({"Api": {"Metadata": metadata}})) == [
        Acceptance("E1", "Api", "It is public."),
        Acceptance("E2", "Api", ""),
    ]


def test_a_reason_is_plain_english():
    reasons = {
        accepted.reason
        for found in (
            checkov.accepted(resources()),
            cfn_lint.accepted_beside(resources()),
            bandit.accepted(bandit.ROOTS),
        )
        for accepted in found
    }
    assert reasons
    assert not [each for reason in sorted(reasons) for each in complaints(Passage(place="", text=reason))]


def test_what_became_known_since_a_commit_fails_make_scan_and_not_make_test(
    capsys: pytest.CaptureFixture[str],
) -> None:
    locks = Scan("locks", [FINDING], [], may_change=True)
    with pytest.raises(StepError):
        judge([locks], page([locks]))
    capsys.readouterr()

    judge([locks], page([locks]), lenient=True)
    assert capsys.readouterr().out.startswith("warning: locks: ")
    with pytest.raises(StepError):
        judge([scan()], page([scan()]), lenient=True)
