"""Reference solutions are computed once and read from disk afterwards, whatever happens to the file."""

import numpy as np
import pytest

from problems._references import cache


@pytest.fixture
def counted(tmp_path, monkeypatch):
    """A function that is kept, and how often it has been computed."""
    monkeypatch.setattr(cache, "folder", lambda: tmp_path / "references")
    calls = []

    def make():
        @cache.on_disk(dict)
        def squares(n, scale=1.0):
            calls.append((n, scale))
            return {"values": scale * np.arange(n) ** 2}

        return squares

    return make, calls, tmp_path / "references"


def test_it_is_computed_once_for_the_same_arguments(counted):
    make, calls, folder = counted
    first = make()(4, scale=2.0)
    again = make()(4, 2.0)
    np.testing.assert_array_equal(first["values"], [0, 2, 8, 18])
    np.testing.assert_array_equal(again["values"], first["values"])
    assert calls == [(4, 2.0)] and len(list(folder.iterdir())) == 1
    make()(5)
    assert calls == [(4, 2.0), (5, 1.0)]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 not an archive", b"no archive"])
def test_a_damaged_file_is_computed_again(counted, content):
    make, calls, folder = counted
    make()(3)
    (file,) = folder.iterdir()
    file.write_bytes(content)
    np.testing.assert_array_equal(make()(3)["values"], [0, 1, 4])
    assert len(calls) == 2
    make()(3)
    assert len(calls) == 2


def test_a_pickle_is_not_read(counted):
    make, calls, folder = counted
    make()(3)
    (file,) = folder.iterdir()
    np.savez(file, values=np.array([{"a": 1}], dtype=object))
    np.testing.assert_array_equal(make()(3)["values"], [0, 1, 4])
    assert len(calls) == 2


def test_a_folder_that_cannot_be_written_only_costs_time(counted, monkeypatch):
    make, calls, folder = counted
    folder.write_text("a file")
    make()(3), make()(3)
    assert len(calls) == 2


def test_the_files_unused_for_longest_are_removed(counted, monkeypatch):
    make, calls, folder = counted
    monkeypatch.setattr(cache, "MOST_BYTES", 3000)
    for n in (100, 101, 102, 103, 104, 105):
        make()(n)
    assert sum(file.stat().st_size for file in folder.iterdir()) <= 3000
    make()(105)
    assert len(calls) == 6
