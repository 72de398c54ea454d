"""What makes the grasps that a benchmark judges."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch

from dex1b_core.data.grasp_set import GraspSet
from dex1b_core.errors import ErrorCode, UnknownNameError
from dex1b_core.geometry.object_model import load_object
from dex1b_core.model.checkpoint import load_checkpoint
from dex1b_core.model.clouds import SurfaceSamples
from dex1b_core.model.generator import shipped_checkpoint
from dex1b_core.model.learned_seeds import LearnedSettings, LearnedSynthesizer
from dex1b_core.model.success_file import prediction_for, shipped_predictor
from dex1b_core.robots import load_hand
from dex1b_core.robots.hand_model import HandModel
from dex1b_core.robots.link_geometry import mesh_sizes
from dex1b_core.synthesis.seed_file import grasp_set_of
from dex1b_core.synthesis.seed_object import SeedObject
from dex1b_core.synthesis.seed_settings import SeedSettings
from dex1b_core.synthesis.seed_synthesizer import SeedSynthesizer

CLOUD_POINTS = 1024


class GraspGenerator(Protocol):
    """Makes grasps of an object."""

    @property
    def key(self) -> str:
        """Hash of all that decides them beside the call's arguments: hand, settings, network."""

    def __call__(self, target: str, count: int, seed: int) -> GraspSet:
        """`count` grasps of what `load_object` calls `target`.

        Raises:
            Dex1bError: the object cannot be loaded.
        """


@dataclass(frozen=True)
class KeyedGenerator:
    """A function with its key; see `GraspGenerator`."""

    make: Callable[[str, int, int], GraspSet]
    key: str

    def __call__(self, target: str, count: int, seed: int) -> GraspSet:
        """Grasps of an object."""
        return self.make(target, count, seed)


def optimizer(hand: str, *, on_table: bool, workers: int) -> GraspGenerator:
    """Seeds from scratch, ranked: `SeedSynthesizer` with its defaults and the shipped predictor."""
    model = HandModel(load_hand(hand))
    settings = SeedSettings()
    synthesizer = SeedSynthesizer(model, settings, predict=prediction_for(model))

    def make(target: str, count: int, seed: int) -> GraspSet:
        torch.set_num_threads(1)  # a thread for each chunk uses the cores better
        loaded = load_object(target)
        prepared = SeedObject.of_model(loaded, on_table=on_table)
        seeds = synthesizer.synthesize(prepared, count, seed=seed, workers=workers)
        grasps = grasp_set_of(
            model, hand, loaded, prepared, seeds, stiffness=settings.grip.stiffness
        )
        return grasps.select(np.arange(min(count, len(grasps))))

    return KeyedGenerator(make, _key(hand, 'optimizer', on_table, settings, predictor_bytes(model)))


def dexsimple(hand: str, *, on_table: bool, workers: int) -> GraspGenerator:
    """The shipped network's proposals from the full cloud, post-optimised and ranked.

    Raises:
        Dex1bError: MODEL_NOT_LOADED when none is shipped for the hand.
    """
    model = HandModel(load_hand(hand))
    checkpoint = shipped_checkpoint(Path(hand).stem)
    network, _ = load_checkpoint(checkpoint, model)
    settings = LearnedSettings()
    synthesizer = LearnedSynthesizer(model, network, settings, predict=prediction_for(model))

    def make(target: str, count: int, seed: int) -> GraspSet:
        loaded = load_object(target)
        prepared = SeedObject.of_model(loaded, on_table=on_table)
        cloud = SurfaceSamples.of_model(loaded).full(CLOUD_POINTS, np.random.default_rng(seed))
        seeds = synthesizer.synthesize(prepared, cloud, count, seed=seed)
        return grasp_set_of(
            model, hand, loaded, prepared, seeds, stiffness=settings.seeds.grip.stiffness
        )

    networks = checkpoint.read_bytes(), predictor_bytes(model)
    key = _key(hand, 'dexsimple', on_table, settings, CLOUD_POINTS, *networks)
    return KeyedGenerator(make, key)


def predictor_bytes(hand: HandModel) -> bytes:
    """Of the shipped predictor of success; nothing where there is none."""
    path = shipped_predictor(hand.hand.key)
    return path.read_bytes() if path.is_file() else b''


def _key(hand: str, *what: object) -> str:
    """Hash of a hand's name and content, and of what else decides grasps."""
    described = load_hand(hand)
    urdf = described.urdf_path
    content = (hand, described.model_dump_json(), urdf.read_bytes(), mesh_sizes(urdf), *what)
    return hashlib.sha256(repr(content).encode()).hexdigest()


GENERATORS: dict[str, Callable[..., GraspGenerator]] = {
    'dexsimple': dexsimple,
    'optimizer': optimizer,
}


def generator_named(name: str, hand: str, *, on_table: bool, workers: int) -> GraspGenerator:
    """One of `GENERATORS` for a hand.

    Args:
        name: Which.
        hand: Its name or file.
        on_table: Rest objects on a plane.
        workers: Threads.

    Raises:
        UnknownNameError: no such generator; the message lists those known.
    """
    if name not in GENERATORS:
        known = list(GENERATORS)
        raise UnknownNameError(ErrorCode.INVALID_REQUEST, 'generator', name, known)
    return GENERATORS[name](hand, on_table=on_table, workers=workers)
