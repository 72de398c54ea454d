import numpy as np
import pytest
from rendering import box, frame

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.perception import check_depth, check_stamp, decode_depth

DEPTH = frame(box((0.40, 0.18, 0.0), (0.46, 0.26, 0.05)), noise=0.002).depth_m


def test_a_usual_image_passes() -> None:
    holes = DEPTH.copy()
    holes[:70] = np.nan  # floor and walls out of range
    holes[100:130, 50:90] = np.nan  # something shiny
    check_depth(DEPTH)
    check_depth(holes)


def test_a_sparse_view_passes_where_its_end_is_ragged() -> None:
    ragged = DEPTH.copy()
    rows, columns = np.mgrid[:240, :320]
    ragged[rows < 130 + columns / 20] = np.nan  # the table's edge, out of range behind it
    check_depth(ragged)
    ragged[rows < 225] = np.nan
    with pytest.raises(Dex1bError, match='94% of the rows'):
        check_depth(ragged)


def _torn(depth: np.ndarray) -> None:
    depth[120:] = np.nan


def _shuffled(depth: np.ndarray) -> None:
    np.random.default_rng(0).shuffle(depth.reshape(-1))


def _shuffled_rows(depth: np.ndarray) -> None:
    np.random.default_rng(0).shuffle(depth)


def _constant(depth: np.ndarray) -> None:
    depth[:] = 0.9


@pytest.mark.parametrize(
    ('spoil', 'code'),
    [
        (_torn, ErrorCode.DEPTH_EMPTY),
        (_shuffled, ErrorCode.DEPTH_ENCODING),
        (_shuffled_rows, ErrorCode.DEPTH_ENCODING),
        (_constant, ErrorCode.DEPTH_EMPTY),
    ],
)
def test_a_spoilt_image_is_refused(spoil, code) -> None:
    depth = DEPTH.copy()
    spoil(depth)
    with pytest.raises(Dex1bError, match='left') as caught:
        check_depth(depth, 'left')
    assert caught.value.error_code == code


def test_integers_read_as_floats_are_no_depth() -> None:
    millimetres = np.nan_to_num(DEPTH * 1000).astype(np.uint16)
    with pytest.raises(Dex1bError) as caught:
        decode_depth(millimetres.astype(np.uint32).view(np.float32), '32FC1')
    assert caught.value.error_code == ErrorCode.DEPTH_EMPTY


def test_stamps_may_run_ahead_a_little() -> None:
    check_stamp(10.4, 10.0, ahead_s=0.5)
    with pytest.raises(Dex1bError, match=r'2\.000 s in the future') as caught:
        check_stamp(12.0, 10.0, ahead_s=0.5)
    assert caught.value.error_code == ErrorCode.STALE_DEPTH
