from __future__ import annotations

import miniaudio

from duologue.audio.devices.playback import do_not_gather, is_known

FLAG = 27
"""Where `noFixedSizedCallback` is, in bytes, in a C program that includes miniaudio.h 0.11.25."""


def test_the_installed_version_is_known() -> None:
    assert is_known()


def test_the_flag_is_all_that_changes() -> None:
    configuration = miniaudio.lib.ma_device_config_init(miniaudio.lib.ma_device_type_playback)
    content = miniaudio.ffi.buffer(miniaudio.ffi.addressof(configuration))
    before = bytearray(content)
    assert before[FLAG] == 0
    do_not_gather(configuration)
    before[FLAG] = 1
    assert bytes(content) == before
