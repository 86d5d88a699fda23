"""Columns of a Parquet file as fields of a Croissant record set."""

from typing import Any, Final

import pyarrow as pa

_TYPES: Final = {
    pa.string(): "sc:Text",
    pa.bool_(): "sc:Boolean",
    pa.int32(): "cr:Int32",
    pa.int64(): "cr:Int64",
    pa.float32(): "cr:Float32",
    pa.float64(): "cr:Float64",
}


def fields_of(config: str, schema: pa.Schema) -> list[dict[str, Any]]:
    """Describe the columns of a config.

    Args:
        config: Its name; also the record set's.
        schema: Its columns.

    Returns:
        One Croissant field a column, lists as arrays, structs as sub-fields.
    """
    return [
        _field(config, column.name, f"{config}/{column.name}", column.type, ()) for column in schema
    ]


def _field(
    config: str, column: str, identifier: str, kind: pa.DataType, path: tuple[str, ...]
) -> dict[str, Any]:
    depth, kind = _unwrapped(kind)
    field: dict[str, Any] = {
        "@type": "cr:Field",
        "@id": identifier,
        "name": identifier.rpartition("/")[2],
    }
    if depth:
        field |= {"isArray": True, "arrayShape": ",".join(["-1"] * depth)}
    if column == "frames":
        # Images in a list: mlcroissant 1.1.1 opens them only where the field is also `repeated`.
        field |= {"repeated": True, "dataType": "sc:ImageObject"}
        path = ("bytes",)
    elif pa.types.is_struct(kind):
        return field | {
            "subField": [
                _field(
                    config, column, f"{identifier}/{inner.name}", inner.type, (*path, inner.name)
                )
                for inner in kind
            ]
        }
    else:
        field["dataType"] = _TYPES[kind]
    source: dict[str, Any] = {"fileSet": {"@id": f"{config}-files"}, "extract": {"column": column}}
    if path:
        source["transform"] = {"jsonPath": ".".join(path)}
    return field | {"source": source}


def _unwrapped(kind: pa.DataType) -> tuple[int, pa.DataType]:
    depth = 0
    while pa.types.is_list(kind):
        depth, kind = depth + 1, kind.value_type
    return depth, kind
