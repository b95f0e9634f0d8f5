"""Each scanner finds a planted mistake, also if its own way to suppress it is used."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tools.scan import bandit, cfn_lint, checkov, lock_files, zizmor
from tools.scan.findings import Acceptance

VULNERABLE = {
    "id": "GHSA-1",
    "aliases": ["CVE-2026-1"],
    "fixed_in": ["1.1"],
    "withdrawn": None,
}


def test_checkov_finds_a_policy_for_everything():
    policy = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    planted = {
        "Type": "AWS::IAM::ManagedPolicy",
        "Metadata": {"checkov": {"skip": [{"id": "CKV_AWS_110", "comment": "why"}]}},
        "Properties": {"PolicyDocument": {"Version": "2012-10-17", **policy}},
    }
    found = [finding for finding in checkov.findings({"Planted": planted}) if finding.rule == "CKV_AWS_110"]
    assert [finding.places for finding in found] == [("Planted",)]


def test_cfn_lint_finds_what_a_serverless_rule_forbids():
    template = """
Resources:
  Planted:
    Type: AWS::SQS::Queue
    Metadata: {cfn-lint: {config: {ignore_checks: [ES6000]}}}
    UpdateReplacePolicy: Delete
    DeletionPolicy: Delete
"""
    assert [(found.rule, found.places) for found in cfn_lint.findings(template)] == [
        ("ES6000", ("Planted", cfn_lint.EVERYWHERE))
    ]


def test_bandit_finds_a_shell(tmp_path):
    file = tmp_path / "planted.py"
    file.write_text(
        "import subprocess\n\nsubprocess.run(input(), shell=True)  # nosec B602 - why\nsum(())  # nosec\n"
    )
    [found] = [finding for finding in bandit.findings([file]) if finding.rule == "B602"]
    stated, unnamed = bandit.accepted([file])
    assert (stated.covers(found), stated.reason) == (True, "why")
    assert (unnamed.covers(found), unnamed.reason) == (False, "")


@pytest.mark.parametrize("comment", ["", " # zizmor: ignore[unpinned-uses] why"])
def test_zizmor_finds_an_action_by_its_tag(tmp_path, comment):
    folder = tmp_path / ".github"
    file = folder / "workflows" / "planted.yml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "on: push\npermissions: {}\njobs:\n  job:\n    runs-on: ubuntu-latest\n    steps:\n"
        f"      - uses: other/action@v1{comment}\n"
    )
    [found] = [finding for finding in zizmor.findings(folder) if finding.rule == "unpinned-uses"]
    assert found.places[0] == "workflows/planted.yml:7"
    accepted = list(zizmor.accepted(folder))
    assert [each.covers(found) for each in accepted] == [True] * bool(comment)
    assert [each.reason for each in accepted] == ["why"] * bool(comment)


@pytest.fixture
def index():
    """An index that knows these releases; None is one that it does not answer about."""
    known: dict[str, list[dict[str, object]] | None] = {}

    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = known.get(self.path.removeprefix("/pypi/").removesuffix("/json"))
            self.send_response(404 if found is None else 200)
            self.end_headers()
            self.wfile.write(json.dumps({"vulnerabilities": found}).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", known
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_audit_finds_a_vulnerable_release_once(index):
    address, known = index
    repeated = {**VULNERABLE, "id": "PYSEC-1"}
    withdrawn = {**VULNERABLE, "aliases": ["CVE-2026-2"], "withdrawn": "2026-01-01"}
    known |= {"jinja2/2.10": [VULNERABLE], "one/1.0": [VULNERABLE, repeated, withdrawn], "two/2.0": []}
    locked = lock_files.locked(["one==1.0 \\\n    --hash=sha256:0\ntwo==2.0 ; os_name == 'nt' \\\n"])
    accepted = list(lock_files.accepted(["one\n# accepted: CVE-2026-1 in one: Nothing calls it.\n"]))
    found = lock_files.audit(locked, [], address)
    assert [str(finding) for finding in found.findings] == [
        "CVE-2026-1 at one 1.0: known vulnerability, fixed in 1.1"
    ]
    assert found.remark == "2 releases"
    assert lock_files.audit(locked, accepted, address).complaints() == []
    gone = Acceptance("CVE-2026-9", "two", "Nothing calls it.")
    assert lock_files.audit(locked, [*accepted, gone], address).complaints() == [
        "CVE-2026-9 at two is accepted, but not found"
    ]


def test_the_audit_says_which_releases_the_index_does_not_answer_about(index):
    address, known = index
    known["jinja2/2.10"] = [VULNERABLE]
    found = lock_files.audit({("one", "1.0")}, [Acceptance("CVE-2026-1", "one", "why")], address)
    assert (found.remark, found.complaints()) == ("1 releases, no answer about one 1.0", [])


@pytest.mark.parametrize("known_vulnerabilities", [None, []])
def test_the_audit_is_skipped_if_the_index_tells_no_vulnerabilities(index, known_vulnerabilities):
    address, known = index
    known["jinja2/2.10"] = known_vulnerabilities
    found = lock_files.audit({("one", "1.0")}, [Acceptance("CVE-2026-1", "one", "why")], address)
    assert found.remark == f"skipped: {address} tells no vulnerabilities here"
    assert found.complaints() == []


def test_the_audit_is_skipped_without_a_network():
    found = lock_files.audit({("one", "1.0")}, [], "http://127.0.0.1:9")
    assert found.remark.startswith("skipped: ")
