"""Where the files that ship with the code lie: configuration, labels, rules, samples, weights."""

from __future__ import annotations

from pathlib import Path

_WORKER = Path(__file__).resolve().parent


def resource(path: str) -> Path:
    """The shipped file or folder of this repository path, such as ``configs/labels.yaml``.

    In an installation ``configs`` lies inside the package ``worker``, in a checkout beside it.
    Raises FileNotFoundError where it is in neither: the installation is not whole.
    """
    for root in (_WORKER, _WORKER.parent):
        if (root / path).exists():
            return root / path
    raise FileNotFoundError(f"{path} is missing from this installation of Pinocchio")
