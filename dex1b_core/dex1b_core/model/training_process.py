"""This process's part of a training that `torchrun` shares out among several."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch
from torch import distributed

from dex1b_core.errors import Dex1bError, ErrorCode


def best_device() -> torch.device:
    """The GPU, where there is one."""
    return torch.device('cuda' if torch.cuda.is_available() else 'cpu')


@dataclass(frozen=True)
class TrainingProcess:
    """One of several that train the same network.

    Attributes:
        rank: 0 is the one that reports and writes.
        count: Of all processes.
        device: Where this one computes.
    """

    rank: int = 0
    count: int = 1
    device: torch.device = field(default_factory=best_device)

    def share(self, whole: int) -> int:
        """How many of so many things are this process's.

        Raises:
            Dex1bError: INVALID_REQUEST when there are fewer things than processes.
        """
        if whole < self.count:
            raise Dex1bError(
                ErrorCode.INVALID_REQUEST,
                f'{self.count} processes for {whole} objects in a batch; expected at most as many',
            )
        return whole // self.count + (self.rank < whole % self.count)

    def mean(self, values: dict[str, float]) -> dict[str, float]:
        """Over all processes; all must ask at the same step, with the same names."""
        if self.count == 1:
            return values
        summed = torch.tensor(list(values.values()), dtype=torch.float64, device=self.device)
        distributed.all_reduce(summed)
        return dict(zip(values, (summed / self.count).tolist(), strict=True))


@contextmanager
def training_process() -> Iterator[TrainingProcess]:
    """Join the others that `torchrun` started; alone without it. A GPU for each, where there are.

    Raises:
        Dex1bError: DEVICE_ERROR when there are GPUs, but fewer than processes.
    """
    if not distributed.is_torchelastic_launched():
        yield TrainingProcess()
        return
    local, gpus = int(os.environ['LOCAL_RANK']), torch.cuda.device_count()
    if gpus and local >= gpus:
        raise Dex1bError(
            ErrorCode.DEVICE_ERROR,
            f'process {local} of a training on a machine with {gpus} GPUs; expected at most one '
            'process for each (--training-processes)',
        )
    device = torch.device('cuda', local) if gpus else torch.device('cpu')
    distributed.init_process_group('nccl' if gpus else 'gloo')
    try:
        yield TrainingProcess(distributed.get_rank(), distributed.get_world_size(), device)
    finally:
        distributed.destroy_process_group()
