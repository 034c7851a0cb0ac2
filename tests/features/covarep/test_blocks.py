from __future__ import annotations

import pytest

from emocli.features.covarep._blocks import SampleBlock, blocks


@pytest.mark.parametrize("size", [0, 1, 159, 16000, 32000, 48001, 100000])
def test_blocks_cover_a_recording_once(size: int) -> None:
    result = list(blocks(size, 16000, 1.0, 0.25))
    assert [n for block in result for n in range(block.first, block.last)] == list(range(size))
    for block in result:
        assert block.first % 160 == block.begin % 160 == 0
        assert block.begin == max(0, block.first - 4000)
        assert block.stop == min(size, block.last + 4000)


def test_one_no_longer_than_a_block_stays_whole() -> None:
    assert list(blocks(16000, 16000, 1.0)) == [SampleBlock(0, 16000, 0, 16000)]
