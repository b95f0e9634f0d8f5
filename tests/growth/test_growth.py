"""What a request, an event and a schedule cost does not depend on how many orders there were."""

from tests.growth.shop import measure

FEW, MANY = 10, 1_000


def test_each_function_makes_the_same_calls_and_meets_the_same_items_with_a_hundred_times_the_orders() -> (
    None
):
    few, many = measure(FEW, repeats=1), measure(MANY, repeats=1)
    assert few.counted == many.counted
