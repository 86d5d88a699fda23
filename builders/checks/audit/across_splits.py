"""Near-duplicates across the splits of a dataset that is being built."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from builders.checks.audit.findings import near_duplicates
from builders.checks.audit.frame_search import MAX_BITS, MIN_FRAMES
from builders.checks.audit.subject import NotMeasured, Subject
from builders.documents.report import BuildReport, NearDuplicates, NearPair, SplitOverlap
from dvtr_bench.dataset.parquet_split import DatasetSplit

if TYPE_CHECKING:
    from builders.engine.decode import Staging
    from builders.engine.settings import BuildSettings
    from dvtr_bench.dataset.manifest import Manifest


def with_near_duplicates(
    report: BuildReport, staging: "Staging", manifest: "Manifest", settings: "BuildSettings"
) -> BuildReport:
    """Add the clips of different splits that look alike to a build's report.

    What is computed from frames is kept in the folder of the build, so that a build that was
    stopped goes on; it goes away with that folder.

    Args:
        report: The report.
        staging: Folders of the build; the Parquet files are written.
        manifest: The manifest of these files.
        settings: Settings of the build.

    Returns:
        The report; unchanged without frames or with a single split.
    """
    if len(manifest.splits) < 2:
        return report
    splits = {name: _StagedSplit(staging, manifest, name) for name in manifest.splits}
    subject = Subject(manifest.name, manifest.version, manifest.fingerprint, splits)
    record = near_duplicates.find(subject, None, settings.progress)
    if isinstance(record, NotMeasured):  # no frames were stored
        return report
    return replace(report, near_duplicates=_across(record))


def _across(record: near_duplicates.Record) -> NearDuplicates:
    return NearDuplicates(
        max_bits=MAX_BITS,
        min_frames=MIN_FRAMES,
        splits=tuple(
            SplitOverlap(
                both.first_split,
                both.second_split,
                both.pairs,
                both.first_clips,
                both.second_clips,
            )
            for both in record.splits
            if both.first_split != both.second_split
        ),
        pairs=tuple(
            NearPair(
                pair.first_split,
                pair.first_id,
                pair.second_split,
                pair.second_id,
                pair.common_frames,
                pair.mirrored,
            )
            for pair in record.pairs
            if pair.first_split != pair.second_split
        ),
    )


class _StagedSplit(DatasetSplit):
    """A split of the files that a build writes; what is kept beside it survives a new writing."""

    def __init__(self, staging: "Staging", manifest: "Manifest", name: str) -> None:
        super().__init__(staging.folder / manifest.name, manifest, name)
        self._output = staging.output

    def _paths(self, config: str) -> list[Path]:
        return [self._output / path for path in self.manifest.splits[self._name].paths(config)]
