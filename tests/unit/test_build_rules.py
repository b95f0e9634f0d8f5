"""`sam build` builds a function by the rules of build.mk."""

import subprocess

from tools.settings import REPOSITORY


def test_a_variable_of_the_users_command_does_not_change_which_package_is_built():
    """`make new-route SERVICE=orders` builds all services in the end, and make hands its variables on."""
    makefile = "services/gateway/Makefile"
    command = ["make", "--dry-run", "-f", makefile, "build-GatewayApiFunction", "ARTIFACTS_DIR=/nowhere"]

    def commands(*variables: str) -> str:
        run = subprocess.run(  # noqa: S603 - make, without running anything
            [*command, *variables], cwd=REPOSITORY, capture_output=True, text=True, check=True
        )
        return run.stdout

    plain = commands()
    named = commands("SERVICE=orders", "SOURCE=/elsewhere", "REPOSITORY=/elsewhere")
    assert '"gateway"' in plain
    assert named == plain
