"""The audit of returns: consistent records have no problem, and each contradiction is found."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from tools.shop.audit_of_returns import ReturnRecords

type Records = dict[str, Any]


def pieces(**quantities: int) -> list[dict[str, Any]]:
    return [{"sku": sku, "quantity": quantity} for sku, quantity in quantities.items()]


def provided(return_id: str, amount: int, status: str = "succeeded") -> dict[str, Any]:
    metadata = {"order_id": "ord_1", "return_id": return_id}
    return {"id": f"re_{return_id}", "amount": amount, "status": status, "metadata": metadata}


def consistent() -> Records:
    """An order of 2 teas and a mug for 3000: a tea came back and was paid back, another is about to be."""
    findings = {"restocked": pieces(TEA=1), "written_off": [], "not_accepted": []}
    returned = {"return_id": "ret_1", "status": "refunded", "findings": findings, "refund": {"amount": 700}}
    under_way = {**deepcopy(returned), "return_id": "ret_2", "status": "inspected"}
    return {
        "order": {
            "lines": pieces(TEA=2, MUG=1),
            "returned": {"ret_1": {"pieces": 1, "refunded": 700}, "ret_2": {"pieces": 1}},
        },
        "payment": {
            "amount": {"amount": 3000},
            "return_refunds": {"ret_1": {"amount": 700, "is_made": True}, "ret_2": {"amount": 700}},
        },
        "intents": [
            {"amount_received": 3000, "amount_refunded": 700, "refunds": [provided("ret_1", 700)]},
        ],
        "received": pieces(TEA=1),
        "returns": {"returns": [returned, under_way]},
    }


def test_consistent_records_have_no_problem() -> None:
    assert ReturnRecords(**consistent()).problems() == []


def test_an_order_without_returns_has_no_problem() -> None:
    plain = {**consistent(), "payment": None, "intents": [], "received": [], "returns": None}
    plain["order"] = {"lines": pieces(TEA=1)}
    assert ReturnRecords(**plain).problems() == []
    assert list(ReturnRecords(**plain).given_back()) == [0]


def test_a_refund_without_an_answer_may_or_may_not_have_been_made() -> None:
    given_back = ReturnRecords(**consistent()).given_back()
    assert 699 not in given_back and 700 in given_back and 1400 in given_back and 1401 not in given_back


@pytest.mark.parametrize("mended", [False, True])
def test_a_refund_that_failed_gave_nothing_back_until_another_of_its_return_stands(mended: bool) -> None:
    records = consistent()
    del records["payment"]["return_refunds"]["ret_2"]
    records["payment"]["reports"] = {"re_ret_1": {"return_id": "ret_1", "status": "failed"}}
    refunds = [provided("ret_1", 700, "failed"), *([provided("ret_1", 700)] if mended else [])]
    records["intents"][0] |= {"amount_refunded": 700 * mended, "refunds": refunds}

    audited = ReturnRecords(**records)

    assert list(audited.given_back()) == [700 * mended]
    assert audited.problems() == []


@pytest.mark.parametrize("status", ["refused", "withdrawn", "expired"])
def test_a_return_that_ended_without_its_pieces_leaves_them_to_another(status: str) -> None:
    records = consistent()
    ended = {"return_id": "ret_3", "status": status, "lines": pieces(MUG=1)}
    another = {"return_id": "ret_4", "status": "labelled", "lines": pieces(MUG=1)}
    records["returns"]["returns"] += [ended, another]
    assert ReturnRecords(**records).problems() == []


def _refund_again(records: Records) -> None:
    records["intents"][0]["refunds"].append(provided("ret_1", 700))


def _refund_unasked(records: Records) -> None:
    records["intents"][0]["refunds"].append(provided("ret_9", 1))


def _refund_too_much(records: Records) -> None:
    records["intents"][0]["amount_refunded"] = 3001


def _ask_for_too_much(records: Records) -> None:
    records["payment"]["return_refunds"]["ret_2"]["amount"] = 2301
    records["returns"]["returns"][1]["refund"] = {"amount": 2301}


def _forget_at_the_provider(records: Records) -> None:
    records["intents"][0]["refunds"] = []


def _record_another_amount(records: Records) -> None:
    records["order"]["returned"]["ret_1"]["refunded"] = 701


def _receive_more_than_bought(records: Records) -> None:
    records["received"] = pieces(TEA=3)
    records["returns"] = None


def _receive_more_than_inspected(records: Records) -> None:
    records["received"] = pieces(MUG=1)


def _accept_more_than_bought(records: Records) -> None:
    records["order"]["returned"]["ret_1"]["pieces"] = 3


def _return_more_than_bought(records: Records) -> None:
    records["returns"]["returns"][0]["findings"]["not_accepted"] = pieces(MUG=2)


def _announce_more_than_bought(records: Records) -> None:
    announced = {"return_id": "ret_3", "status": "requested", "lines": pieces(MUG=2)}
    records["returns"]["returns"].append(announced)


def _grant_another_amount(records: Records) -> None:
    records["returns"]["returns"][1]["refund"] = {"amount": 1}


def _end_without_money(records: Records) -> None:
    records["returns"]["returns"][1]["status"] = "refunded"


@pytest.mark.parametrize(
    ("contradict", "said"),
    [
        (_refund_again, "ret_1 was refunded 2 times"),
        (_refund_unasked, "payments did not ask for it"),
        (_refund_too_much, "the provider gave back 3001 of 3000"),
        (_ask_for_too_much, "refunds of 3001 are more than was taken"),
        (_forget_at_the_provider, "by our records, and not by the provider's"),
        (_record_another_amount, "refunded with 701 by the order, and 700 by payments"),
        (_receive_more_than_bought, "more came back than was bought"),
        (_receive_more_than_inspected, "more was restocked than the inspections say"),
        (_accept_more_than_bought, "4 of 3 pieces were accepted back"),
        (_return_more_than_bought, "more is in returns than was bought"),
        (_announce_more_than_bought, "more is in returns than was bought"),
        (_grant_another_amount, "ret_2: 1 were granted, and 700 asked for"),
        (_end_without_money, "ret_2 is refunded, and its money did not go back"),
    ],
)
def test_each_contradiction_is_found(contradict: Callable[[Records], None], said: str) -> None:
    records = consistent()
    contradict(records)
    problems = ReturnRecords(**records).problems()
    assert len(problems) == 1
    assert said in problems[0]
