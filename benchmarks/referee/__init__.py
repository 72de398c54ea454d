"""An independent referee: do grasp candidates hold in MuJoCo? README.md says by which protocol."""

from benchmarks.referee.candidates import Candidates, read_candidates, write_candidates
from benchmarks.referee.hand import HandSpec
from benchmarks.referee.judge import judge
from benchmarks.referee.settings import Settings
from benchmarks.referee.verdicts import Verdicts

__all__ = [
    'Candidates',
    'HandSpec',
    'Settings',
    'Verdicts',
    'judge',
    'read_candidates',
    'write_candidates',
]
