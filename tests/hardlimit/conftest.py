"""What tests of the command line share."""

import pytest
from typer.testing import CliRunner

from hardlimit.cli import app


@pytest.fixture
def hardlimit():
    """Run the command in this process."""

    def run(*arguments, status=0):
        result = CliRunner().invoke(app, [str(argument) for argument in arguments])
        assert result.exit_code == status, result.output
        return result

    return run
