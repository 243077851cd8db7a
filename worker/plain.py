"""What goes wrong, told plainly: a line on stderr for what is expected, and no traceback."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

from models.asr import SpeechModelError
from models.audio import BadAudio
from worker.bus import CommitFailed, Unavailable
from worker.config import ConfigError
from worker.listings import BadListing
from worker.local import NotHandled
from worker.patience import TooManyFailures
from worker.recordings import BadText

_EXPECTED = (
    BadAudio, BadText, BadListing, SpeechModelError, Unavailable, CommitFailed, NotHandled, TooManyFailures, OSError,
)  # fmt: skip


@contextmanager
def plain_errors() -> Iterator[None]:
    """What is expected to go wrong ends with exit code 1 and one line; a bad configuration with one per problem."""
    try:
        yield
    except KeyboardInterrupt:
        complain("stopped")
        leave(130)
    except BrokenPipeError:
        raise  # whoever read our results has seen enough: click ends quietly
    except ConfigError as error:
        for problem in error.problems:
            complain(problem)
        raise SystemExit(1) from error
    except _EXPECTED as error:
        fail(one_line(error))


def one_line(error: BaseException) -> str:
    """An error in one line; of a file, its name and what is wrong with it."""
    if isinstance(error, OSError) and error.filename is not None:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())


def complain(line: str) -> None:
    """A line on stderr."""
    print(f"error: {line}", file=sys.stderr)


def fail(line: str) -> NoReturn:
    """End with a line on stderr and exit code 1."""
    complain(line)
    raise SystemExit(1)


def leave(code: int) -> NoReturn:
    """End now: threads may be in the middle of what nobody waits for any more."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
