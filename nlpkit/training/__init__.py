"""The training loop: a generator of events; its settings, averages, saved state and devices."""

from typing import TYPE_CHECKING

from nlpkit.on_demand import on_demand

if TYPE_CHECKING:
    from nlpkit.training.averaging import MovingAverage
    from nlpkit.training.devices import Devices
    from nlpkit.training.forward import Forward
    from nlpkit.training.loop import (
        EpochBegan,
        EpochDone,
        Evaluating,
        Event,
        StepDone,
        TrainingDone,
        difference,
        train_model,
    )
    from nlpkit.training.metric import Metric
    from nlpkit.training.settings import SCHEDULE, TrainingSettings

__all__ = [
    "Devices",
    "EpochBegan",
    "EpochDone",
    "Evaluating",
    "Event",
    "Forward",
    "Metric",
    "MovingAverage",
    "SCHEDULE",
    "StepDone",
    "TrainingDone",
    "TrainingSettings",
    "difference",
    "train_model",
]

__getattr__ = on_demand(__name__)
