from __future__ import annotations

import pytest

from emocli.errors import ConfigError
from emocli.plugin.feature import installed


def test_a_package_that_is_absent_comes_with_an_extra_of_the_plug_in() -> None:
    for distribution, names in (("emocli", ()), ("letters", ("letters",))):
        hint = rf"'a_library' is not installed; pip install '{distribution}\[fast\]'"
        with pytest.raises(ConfigError, match=hint):
            installed("a_library", "fast", *names)
