"""The published JSON Schema of result files, made from the dataclasses that read them.

python -m dvtr_bench.results.schema     # rewrites schema.json after a change of a record
"""

from pathlib import Path
from typing import Any, Final

from dvtr_bench.ranking import PROTOCOL_VERSION
from dvtr_bench.reading.json_records import json_schema
from dvtr_bench.results.files import laid_out
from dvtr_bench.results.record import RESULT_FORMAT_VERSION, RunRecord
from dvtr_bench.runtime.files import written_beside

SCHEMA_PATH: Final = Path(__file__).with_name("schema.json")


def result_schema() -> dict[str, Any]:
    """Return the JSON Schema of result files.

    Returns:
        A JSON Schema (draft 2020-12), made from `RunRecord`; ``results/schema.json`` holds it.
    """
    schema = json_schema(RunRecord)
    schema["properties"]["format_version"]["const"] = RESULT_FORMAT_VERSION
    schema["properties"]["protocol_version"]["const"] = PROTOCOL_VERSION
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"https://dvtr-bench.github.io/schema/result-{RESULT_FORMAT_VERSION}.json",
        **schema,
        "title": f"dvtr-bench result, format {RESULT_FORMAT_VERSION}",
        "$comment": "R@k, mR, RSum, chance and ceiling are percent. 3.0 is no integer here.",
    }


def schema_text() -> str:
    """Return the text of ``results/schema.json``."""
    return laid_out(result_schema()) + "\n"


if __name__ == "__main__":
    with written_beside(SCHEMA_PATH) as beside:
        beside.write_text(schema_text(), encoding="utf-8", newline="\n")
