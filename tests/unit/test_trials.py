"""The trials of `make break` fit the code and the pages that they are about."""

import pytest

from tests.patterns.trial import Trial
from tests.patterns.trials import TRIALS
from tools.settings import REPOSITORY


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.page)
def test_a_trial_takes_words_away_that_stand_in_the_code_once(trial: Trial):
    service = trial.file.partition("/")[0]
    text = (REPOSITORY / "services" / service / trial.file).read_text()
    for plant in (trial.sound, trial.broken):
        [change] = plant.changes
        compile(change.applied(text), trial.file, "exec")


@pytest.mark.parametrize("trial", TRIALS, ids=lambda trial: trial.page)
def test_a_trial_shows_lines_with_the_pattern_and_its_page_names_the_command(trial: Trial):
    assert any(line.startswith("-") for line in trial.difference())
    assert f"make break PATTERN={trial.page}`" in (REPOSITORY / f"docs/patterns/{trial.page}.md").read_text()
