"""Programs in the idioms of scientific code, by field: classes, lists, dicts, iterations to convergence."""

from . import (
    astronomy,
    biology,
    chemistry,
    climate,
    control,
    finance,
    inference,
    learning,
    mechanics,
    networks,
    records,
    searching,
    stateful,
    tables,
)

FIELDS = {
    "astronomy": astronomy.CASES, "biology": biology.CASES, "chemistry": chemistry.CASES, "climate": climate.CASES,
    "control": control.CASES, "finance": finance.CASES, "inference": inference.CASES, "learning": learning.CASES,
    "mechanics": mechanics.CASES, "networks": networks.CASES,
    "records": records.CASES, "searching": searching.CASES, "stateful": stateful.CASES,
    "tables": tables.CASES,
}
SCIENCE = [case for cases in FIELDS.values() for case in cases]
