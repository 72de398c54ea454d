"""Models of hands and arms, fetched where there is a network."""

import pytest

from dex1b_core import asset_packages
from dex1b_core.errors import Dex1bError
from dex1b_core.robots import load_hand


@pytest.fixture(scope='session')
def need_model():
    """Brings the package that carries a model file, or skips with the reason."""
    failed: dict[str, str] = {}

    def need(model: str) -> str:
        package = asset_packages.package_of(model)
        try:
            if package.key in failed:
                pytest.skip(failed[package.key])
            asset_packages.fetch(package)
        except Dex1bError as error:
            failed[package.key] = error.message
            pytest.skip(error.message)
        return model

    return need


@pytest.fixture(scope='session')
def need_hand(need_model):
    """A described hand whose model is there, by name."""

    def need(name: str):
        hand = load_hand(name)
        need_model(hand.urdf)
        return hand

    return need


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    """An empty cache, for copies of URDFs."""
    monkeypatch.setenv('DEX1B_CACHE', str(tmp_path / 'cache'))
