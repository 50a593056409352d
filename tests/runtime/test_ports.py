"""Free ports: none in use, none twice, none that another process has chosen meanwhile."""

import socket
import subprocess
import sys

import pytest

from services.runtime import ports
from services.runtime.ports import PORTS, free_port, port_accepts, port_is_free
from services.runtime.processes import ProcessFailedError

CHOOSER = """
import sys
from services.runtime.ports import free_port
print(*(free_port() for _ in range(int(sys.argv[1]))), flush=True)
sys.stdin.read()
"""
FORKED = """
import os
from services.runtime.ports import free_port
own = free_port()
if child := os.fork():
    os.waitpid(child, 0)
    print(own)
else:
    print(free_port(), flush=True)
"""
MANY = 1_500  # two processes that chose so many of 12,000 by chance would meet 190 times


def test_a_port_in_use_is_not_given() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        taken = server.getsockname()[1]
        assert not port_is_free(taken)
        assert port_accepts(taken)
        assert taken != free_port(preferred=taken)


def test_no_port_is_given_twice() -> None:
    chosen = [free_port() for _ in range(50)]
    assert len(chosen) == len(set(chosen))
    assert set(chosen) <= set(PORTS)
    assert chosen[0] != free_port(preferred=chosen[0])


def test_two_processes_never_choose_the_same_port_though_neither_has_bound_it() -> None:
    choosers = [_chooser() for _ in range(2)]
    first, second = (_chosen(chooser) for chooser in choosers)
    assert len(first) == len(second) == MANY
    assert first & second == set()
    for chooser in choosers:
        chooser.communicate()


def test_the_ports_of_a_killed_process_are_chosen_again(monkeypatch: pytest.MonkeyPatch) -> None:
    chooser = _chooser()
    held = min(_chosen(chooser))
    start = held - (held - PORTS.start) % ports.BLOCK
    monkeypatch.setattr(ports, "PORTS", range(start, start + ports.BLOCK))
    monkeypatch.setattr(ports, "_own", ports._blocks())
    with pytest.raises(ProcessFailedError, match="no free TCP port between"):
        free_port()
    chooser.kill()
    chooser.communicate()
    monkeypatch.setattr(ports, "_own", ports._blocks())
    assert free_port() in ports.PORTS


def test_a_forked_copy_of_a_process_chooses_from_a_block_of_its_own() -> None:
    answer = subprocess.run([sys.executable, "-c", FORKED], capture_output=True, text=True, check=True).stdout
    theirs, own = (int(port) for port in answer.split())
    assert (own - PORTS.start) // ports.BLOCK != (theirs - PORTS.start) // ports.BLOCK


def _chooser() -> subprocess.Popen[str]:
    command = [sys.executable, "-c", CHOOSER, str(MANY)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _chosen(chooser: subprocess.Popen[str]) -> set[int]:
    assert chooser.stdout is not None
    return {int(port) for port in chooser.stdout.readline().split()}
