"""A crew of worker processes without physics: fed, killed, hung and replaced."""

import os
import time
from pathlib import Path

import pytest
from echo_server import EchoSource

from dex1b_core.errors import Dex1bError, ErrorCode
from dex1b_core.simulation import worker_crew
from dex1b_core.simulation.worker_crew import Job, WorkerCrew


@pytest.fixture
def make_crew(monkeypatch):
    """Crews of echoing workers, closed at the end."""
    monkeypatch.setenv('PYTHONPATH', str(Path(__file__).parent))
    made = []

    def make(count=2, source=None):
        made.append(WorkerCrew(source or EchoSource(), count))
        return made[-1]

    yield make
    for crew in made:
        crew.close()


def job(context=None, *, stopped=lambda: False):
    return Job(time.monotonic() + 60.0, stopped, context)


def work(crew, requests, context=None, **changes):
    """Replies by the number of the request; every request has exactly one."""
    waiting = list(enumerate(requests))
    replies = {}

    def put(key, reply):
        assert key not in replies
        replies[key] = reply

    crew.work(job(context, **changes), lambda: waiting.pop(0) if waiting else None, put)
    return replies


def test_every_request_has_one_reply_and_workers_hear_the_context_once(make_crew):
    crew = make_crew()
    for number, context in enumerate(['here', 'there'], start=1):
        replies = work(crew, range(50), context)
        assert sorted(replies) == list(range(50))
        assert all(reply.error is None for reply in replies.values())
        assert [replies[key].value[0] for key in range(50)] == list(range(50))
        assert {reply.value[1] for reply in replies.values()} == {context}
        assert {reply.value[2] for reply in replies.values()} <= {1, number}
        assert {reply.value[3] for reply in replies.values()} <= set(crew.pids)


def test_death_is_heard_and_the_dead_are_replaced(make_crew):
    crew = make_crew()
    crew.start()
    before = set(crew.pids)
    replies = work(crew, [*range(5), 'die', *range(6, 12)], 'here')
    assert sorted(replies) == list(range(12))
    assert [key for key, reply in replies.items() if reply is None] == [5]
    assert {reply.value[1] for reply in replies.values() if reply} == {'here'}
    assert len(crew.pids) == 2
    assert len(before & set(crew.pids)) == 1


def test_deaths_without_an_answer_in_between_are_an_error(make_crew, monkeypatch):
    monkeypatch.setattr(worker_crew, 'MAX_DEATHS', 2)
    replies = work(make_crew(1), ['die', 1, 'die', 2])
    assert [key for key, reply in replies.items() if reply is not None] == [1, 3]
    with pytest.raises(Dex1bError, match='2 physics workers died') as caught:
        work(make_crew(1), ['die', 'die', 1])
    assert caught.value.error_code is ErrorCode.SIM_ERROR


def test_hung_worker_counts_as_dead(make_crew, monkeypatch):
    crew = make_crew()
    work(crew, range(8))  # imports are over
    monkeypatch.setattr(worker_crew, 'HUNG_S', 1.0)
    start = time.monotonic()
    replies = work(crew, [1, 'hang', 2, 3])
    assert time.monotonic() - start < 15.0
    assert [key for key, reply in replies.items() if reply is None] == [1]


def test_errors_of_servers_are_replies(make_crew):
    replies = work(make_crew(1), ['refuse', 1, 'fail', 2])
    assert replies[0].error == (ErrorCode.PRECONDITION, 'not now')
    assert replies[2].error[0] is ErrorCode.SIM_ERROR
    assert 'unexpected ValueError: what?' in replies[2].error[1]
    assert [replies[key].value[0] for key in (1, 3)] == [1, 2]


def test_error_while_starting_is_raised(make_crew):
    with pytest.raises(Dex1bError, match='no model') as caught:
        work(make_crew(1, EchoSource(fails=True)), [1])
    assert caught.value.error_code is ErrorCode.ASSET_MISSING


def test_reply_to_a_job_that_is_over_is_dropped(make_crew):
    crew = make_crew(1)
    work(crew, [0])
    over = time.monotonic() + 0.2
    assert work(crew, ['slow', 1], stopped=lambda: time.monotonic() > over) == {}
    replies = work(crew, ['second'], 'there')
    assert [replies[0].value[key] for key in (0, 1)] == ['second', 'there']


def test_close_ends_the_workers(make_crew):
    crew = make_crew()
    crew.start()
    pids = crew.pids
    crew.close()
    assert crew.pids == ()
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
