"""A secret is read once, and again when it is old, or older than the caller allows."""

from shared.secrets import Secrets


class SecretsManager:
    def __init__(self) -> None:
        self.texts = {"key": "first", "other": "another"}

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - as AWS names it
        return {"SecretString": self.texts[SecretId]}


def test_a_rotated_secret_is_read_again_once_the_known_one_is_old() -> None:
    manager, now = SecretsManager(), [100.0]
    secrets = Secrets(manager, max_age_seconds=300, clock=lambda: now[0])
    assert (secrets.get("key"), secrets.get("other")) == ("first", "another")

    manager.texts["key"] = "second"
    now[0] += 299
    assert secrets.get("key") == "first"
    now[0] += 1
    assert secrets.get("key") == "second"


def test_whoever_is_refused_gets_a_younger_copy_and_leaves_it_to_all() -> None:
    manager, now = SecretsManager(), [100.0]
    secrets = Secrets(manager, max_age_seconds=300, clock=lambda: now[0])
    assert secrets.get("key") == "first"

    manager.texts["key"] = "second"
    now[0] += 5
    assert secrets.get("key", max_age_seconds=6) == "first"
    assert secrets.get("key", max_age_seconds=5) == "second"

    assert secrets.get("key") == "second"
    manager.texts["key"] = "third"
    assert secrets.get("key", max_age_seconds=0) == "third"
