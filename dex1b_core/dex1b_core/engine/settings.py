"""What the data engine does."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from dex1b_core.config import StrictModel
from dex1b_core.errors import ConfigurationError

FILE = 'engine.json'
FIRST_TRAINING_SHAPE = 1000  # lower ones are for tuning and reports
FIRST_TRAINING_INSTANCE = 100  # of each category of what has a joint
TRAINING_CATEGORIES = ('laptop', 'box', 'door-left', 'door-right', 'drawer', 'faucet', 'toilet')
"""Of what has a joint; the others are held out."""


class EngineSettings(StrictModel):
    """One run; its folder remembers them and refuses others."""

    hand: str = Field(description='name or description file')
    task: Literal['grasp', 'articulation'] = Field(
        'grasp', description='to hold free objects, or to move the joints of articulated ones'
    )
    objects: tuple[str, ...] = Field((), description='to train on; empty: procedural shapes')
    shapes: int = Field(200, ge=1, description='how many procedural shapes, without `objects`')
    rounds: int = Field(3, ge=1, description='the first is the optimiser alone')
    proposals: int = Field(6000, ge=1, description='grasps proposed in each round')
    per_object: int = Field(
        64, ge=1, description='about how many an object gets in a round: small batches are slow'
    )
    table: float = Field(0.3, ge=0, le=1, description='part of the objects that rest on a plane')
    random: float = Field(
        0.3, ge=0, le=1, description="part of later rounds' proposals that start at random"
    )
    draws: int = Field(
        16, ge=4, multiple_of=4, description="the network's for each refined; many undo `debias`"
    )
    debias: bool = Field(True, description='rare objects and places more often')
    excess: float = Field(
        1.5,
        ge=1,
        description='grasps made for each that is judged, from the second round on; '
        "the last round's predictor picks",
    )
    refine_steps: int = Field(100, ge=0, description='of the post-optimisation')
    engines: tuple[Literal['mujoco', 'sapien'], ...] = Field(
        ('mujoco', 'sapien'), min_length=1, description='a grasp must hold in all'
    )
    training_steps: int = Field(3000, ge=1, description='of each round')
    per_task: int = Field(256, ge=1, description='about how many proposals make a shard')
    stiffness: float = Field(5.0, gt=0, description='gain that squeezes are for [N m/rad]')
    seed: int = Field(0, ge=0, description='of every random draw')

    def object_names(self) -> tuple[str, ...]:
        """As `load_object` takes them, or `load_articulated`."""
        if self.objects:
            return self.objects
        if self.task == 'articulation':
            rows = (divmod(index, len(TRAINING_CATEGORIES)) for index in range(self.shapes))
            return tuple(
                f'articulated:{TRAINING_CATEGORIES[which]}-{FIRST_TRAINING_INSTANCE + number}'
                for number, which in rows
            )
        last = FIRST_TRAINING_SHAPE + self.shapes
        return tuple(f'shape:random-{number}' for number in range(FIRST_TRAINING_SHAPE, last))

    def require_trainable(self) -> None:
        """Keep what reports are made of out of the training.

        Raises:
            ConfigurationError: INVALID_CONFIGURATION for YCB objects, low-numbered shapes,
                instances and categories that are held out.
        """
        reserved = [name for name in self.objects if _is_reserved(name)]
        if reserved:
            raise ConfigurationError(
                f'{", ".join(reserved[:3])}: reserved for tests and reports; train on shapes from '
                f'random-{FIRST_TRAINING_SHAPE} on, on instances from {FIRST_TRAINING_INSTANCE} on '
                f'of {", ".join(TRAINING_CATEGORIES)}, or on files of your own'
            )

    def draw_seed(self, *what: object) -> int:
        """A seed of its own for a part of the work."""
        digest = hashlib.sha256(repr((self.seed, *what)).encode()).digest()
        return int.from_bytes(digest[:4], 'big')

    def remember(self, folder: Path) -> None:
        """Write them, or check that the folder is of the same run; more rounds are welcome.

        Raises:
            ConfigurationError: INVALID_CONFIGURATION when the folder is another run's, or for what
                `require_trainable` refuses.
        """
        self.require_trainable()
        path = folder / FILE
        if path.is_file():
            found = read_settings(folder)
            if found.model_copy(update={'rounds': self.rounds}) != self:
                names = [
                    name
                    for name in type(self).model_fields
                    if name != 'rounds' and getattr(found, name) != getattr(self, name)
                ]
                raise ConfigurationError(
                    f'{folder} is of a run with other {", ".join(names)}: go on with the same '
                    'settings, or choose another folder'
                )
        folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix('.partial')
        partial.write_text(self.model_dump_json(indent=2) + '\n')
        partial.replace(path)


def _is_reserved(name: str) -> bool:
    kind, _, own = name.partition(':')
    stem, _, number = own.rpartition('-')
    if not number.isdecimal():
        return kind == 'ycb'
    if kind == 'articulated':
        return stem not in TRAINING_CATEGORIES or int(number) < FIRST_TRAINING_INSTANCE
    return kind == 'ycb' or (stem == 'random' and int(number) < FIRST_TRAINING_SHAPE)


def read_settings(folder: Path) -> EngineSettings:
    """Of a run's folder.

    Raises:
        ConfigurationError: INVALID_CONFIGURATION when there are none, or not of this version.
    """
    path = folder / FILE
    if not path.is_file():
        raise ConfigurationError(
            f"{folder} is no folder of the data engine: expected {FILE} of 'dex1b engine run'"
        )
    try:
        return EngineSettings.model_validate_json(path.read_text())
    except ValidationError as error:
        raise ConfigurationError(f'{path}: {error}') from error
