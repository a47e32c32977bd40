"""Connections against open files."""

from __future__ import annotations

import resource

import pytest

from elizad.net.limits import RESERVED_FILES, Limits, check_file_limit, file_limit


def test_what_fits() -> None:
    check_file_limit(1000 - RESERVED_FILES, 1000)
    check_file_limit(10**6, resource.RLIM_INFINITY)


def test_what_does_not_fit_is_said_with_numbers() -> None:
    with pytest.raises(ValueError, match=r"1000 connections .* 1024 open files.* at most 960 connections"):
        check_file_limit(1000, 1024)


def test_the_default_fits_the_usual_limit() -> None:
    check_file_limit(Limits().max_connections, 1024)


def test_the_limit_of_this_process() -> None:
    assert file_limit() == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
