"""What to try next: Optuna's tree-structured Parzen estimator over the axes that make a difference."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import Trial, TrialState

from vgate.harness.search.space import Axis, applies, spelt

JOURNAL = "search.journal"


class Study:
    """One search's memory. The same seed and the same answers give the same questions.

    Its journal, for Optuna's own tools, is written anew from what the run's folder holds each time the search goes on,
    so it never knows of a trial that was not measured.
    """

    def __init__(self, folder: Path, axes: list[Axis], seed: int, random_trials: int) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        path = folder / JOURNAL
        path.unlink(missing_ok=True)
        self._axes = axes
        self._study = optuna.create_study(
            storage=JournalStorage(JournalFileBackend(str(path))),
            study_name=folder.name,
            sampler=optuna.samplers.TPESampler(seed=seed % 2**32, n_startup_trials=random_trials),
            direction="maximize",
        )

    def ask(
        self, compose: Callable[[Mapping[str, str]], dict[str, Any]], held: Mapping[str, Any]
    ) -> tuple[Trial, dict[str, str]]:
        """The next trial and its settings: axis -> value, as spelt on the command line.

        compose: the resolved configuration of chosen options, by which an axis is left out where it has no effect.
        held: parameters that are not to be chosen anew; see `held`.
        """
        if held:
            self._study.enqueue_trial(dict(held))
        trial = self._study.ask()
        picks = {axis.key: _suggest(trial, axis) for axis in self._axes if axis.is_group}
        container = compose(picks)
        picks |= {a.key: _suggest(trial, a) for a in self._axes if not a.is_group and applies(a, container)}
        return trial, picks

    def tell(self, trial: Trial, value: float | None) -> None:
        """How good it was; None: it could not be measured, or may not be believed, so it is to be avoided."""
        if value is None:
            self._study.tell(trial, state=TrialState.PRUNED)
        else:
            self._study.tell(trial, value)


def held(trial: Trial, keys: set[str]) -> dict[str, Any]:
    """Of a trial, the parameters of these keys, as `Study.ask` takes them."""
    return {key: value for key, value in trial.params.items() if key in keys}


def _suggest(trial: Trial, axis: Axis) -> str:
    if axis.choices:
        return str(trial.suggest_categorical(axis.key, axis.choices))
    if axis.whole:
        step = {} if axis.log else {"step": axis.step}
        return spelt(trial.suggest_int(axis.key, int(axis.low), int(axis.high), log=axis.log, **step), whole=True)
    return spelt(trial.suggest_float(axis.key, axis.low, axis.high, log=axis.log), whole=False)
