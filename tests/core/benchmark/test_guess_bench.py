"""Joints guessed from one image, as a report."""

from dex1b_core.benchmark.guess_bench import bench_guess


def test_doors_drawers_and_what_has_no_handle() -> None:
    names = [f'articulated:{name}' for name in ('door-right-100', 'drawer-100', 'drawer-101')]
    report = bench_guess(names, seed=3)
    assert (report['n'], report['guessed'], report['confident_right']) == (3, 2, 2)
    assert 'no panel with a handle' in report['rows'][2]['reason']
    assert report['axis_deg'] < 3.0
