"""What holds for all tests."""

from hypothesis import settings

# No test is about speed: a busy machine makes nothing wrong.
settings.register_profile("without a clock", deadline=None)
settings.load_profile("without a clock")
