from __future__ import annotations

import subprocess
import sys
from importlib import import_module

import pytest

import duologue.audio


def test_importing_the_package_loads_none_of_the_heavy_modules() -> None:
    program = (
        "import sys, duologue.audio; "
        "print(*{'numpy', 'samplerate', 'miniaudio', '_miniaudio'} & sys.modules.keys())"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=30
    )
    assert result.stdout.strip() == ""


@pytest.mark.parametrize("name", duologue.audio.__all__)
def test_every_public_name_is_there(name: str) -> None:
    home = import_module(f".{duologue.audio._MODULE_OF_NAME[name]}", "duologue.audio")
    assert getattr(duologue.audio, name) is getattr(home, name)
    assert name in dir(duologue.audio)


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    misspelt = "Microfone"
    with pytest.raises(AttributeError, match=r"'duologue\.audio' has no attribute 'Microfone'"):
        getattr(duologue.audio, misspelt)
