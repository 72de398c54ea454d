"""A round's training by several processes, one for each GPU, started by `torchrun`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from dex1b_core.errors import Dex1bError, ErrorCode


def launch_training(folder: Path, shards: str, number: int, processes: int) -> None:
    """`dex1b engine train` in so many processes of this machine; waits for the end.

    Args:
        folder: Of the run.
        shards: Address of its shards.
        number: Of the round.
        processes: How many.

    Raises:
        Dex1bError: UNKNOWN when it fails; what went wrong is on its standard error.
    """
    command = [
        sys.executable, '-m', 'torch.distributed.run',
        '--standalone', f'--nproc-per-node={processes}',
        '-m', 'dex1b_core.cli', 'engine', 'train',
        '--folder', str(folder), '--round', str(number), '--shards', shards,
    ]  # fmt: skip
    status = subprocess.run(command, check=False).returncode
    if status != 0:
        raise Dex1bError(
            ErrorCode.UNKNOWN,
            f'the training of round {number} by {processes} processes ended with status {status}; '
            'its own message is above',
        )
