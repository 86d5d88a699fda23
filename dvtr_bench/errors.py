"""Every error that dvtr-bench raises on purpose, one tree.

    DvtrError
    |-- InputError (ValueError)             bad captions, ids, options, files that users wrote
    |   |-- AnnotationError                 a caption or split file says something impossible
    |   |-- UnsafePickleError               a pickle asks for more than dict, list and str
    |   `-- ConfigError                     a configuration that contradicts itself
    |-- ClipError (ValueError)              a clip that cannot be decoded as a whole
    |-- ExtensionError (RuntimeError)       a file or plug-in that lacks what its kind must offer
    |-- NotFoundError (LookupError)         a dataset, model, checkpoint or result is not there
    |-- ResultError (ValueError)            a result file that fails its own checks
    |   `-- IncomparableError               results that must not share a table
    |-- ProtocolError (RuntimeError)        a run that departs from the recall protocol
    |   `-- NotANumberError                 NaN among the scores
    |-- BuildError (RuntimeError)           a dataset build that cannot go on
    |   |-- MissingClipsError               ids without clips, clips without ids
    |   `-- OutputExistsError               the output holds something else already
    |-- StudyError (RuntimeError)           runs of a study that failed
    |-- WriteError (OSError)                a file or folder that cannot be written
    |-- BusyError (RuntimeError)            another process is at work in the same folder
    |-- ClusterError (RuntimeError)         a Ray cluster that cannot be used
    |-- PublishError (RuntimeError)         a dataset that cannot be published as it was asked
    |   `-- HubUnreachableError             the Hugging Face Hub does not answer
    `-- WeightsError (RuntimeError)         weights that cannot be read or do not fit the model

A message says what failed, where (file, row, id), what was expected, what was found and what to do
next. The command line prints the message alone and exits with 1.
"""


class DvtrError(Exception):
    """Base class: catch this to catch everything that dvtr-bench raises on purpose."""


class InputError(DvtrError, ValueError):
    """Something the user wrote or named cannot be used as it is."""


class AnnotationError(InputError):
    """A caption, split or metadata file says something impossible."""


class UnsafePickleError(InputError):
    """A pickle asks for more than dict, list and str and was not opened."""


class ConfigError(InputError):
    """A configuration contradicts itself."""


class ClipError(DvtrError, ValueError):
    """A clip cannot be decoded as a whole."""


class ExtensionError(DvtrError, RuntimeError):
    """A model, metric, dataset, ... cannot be used: its file lacks something, or is broken."""


class NotFoundError(DvtrError, LookupError):
    """A dataset, model, checkpoint, weight or result file is not there."""


class ResultError(DvtrError, ValueError):
    """A result file fails its own checks."""


class IncomparableError(ResultError):
    """Results that must not share a table were put into one."""


class ProtocolError(DvtrError, RuntimeError):
    """A run departs from the recall protocol."""


class NotANumberError(ProtocolError):
    """A model's scores contain NaN."""


class BuildError(DvtrError, RuntimeError):
    """A dataset build cannot go on."""


class MissingClipsError(BuildError):
    """Ids without clips or clips without ids."""


class OutputExistsError(BuildError):
    """The output folder already holds something else."""


class StudyError(DvtrError, RuntimeError):
    """Runs of a study failed."""


class WriteError(DvtrError, OSError):
    """A file or folder cannot be written: a full or read-only disk, no permission, ..."""


class BusyError(DvtrError, RuntimeError):
    """Another process is at work in the same folder."""


class ClusterError(DvtrError, RuntimeError):
    """A Ray cluster cannot be used."""


class PublishError(DvtrError, RuntimeError):
    """A dataset cannot be published as it was asked."""


class HubUnreachableError(PublishError):
    """The Hugging Face Hub does not answer, or must not be asked."""


class WeightsError(DvtrError, RuntimeError):
    """Model weights cannot be read or do not fit the model."""
