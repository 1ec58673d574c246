"""The folder that training leaves and prediction needs: complete by itself, checked when it is opened.

================  =====================================================================
file              content
================  =====================================================================
``task.json``     format, task, settings, metadata, versions, seed, hashes, seconds
``model.keras``   the network; a folder without it answers by its ``.onnx`` alone
``*.onnx``        what prediction computes of it, for onnxruntime
``*.txt``         vocabularies and labels, readable; ``.gz`` may follow
``NAME-*``        the files of another model that this one brings along
``metrics.json``  of the validation and test data
``history.csv``   a row an epoch
``report.html``   curves and sample predictions
``resume/``       state for ``--resume``, the names of all that the run writes beside
                  it, and the lock; prediction does not need it
================  =====================================================================

``task.json`` is written last: a folder that has it is complete, and it lists the files that prediction needs and what
else was written. Nothing is ever removed that is listed neither there nor in ``resume/``.
"""
