"""Runs one of the three in this process: prints seconds, seconds of processors and megabytes, keeps the result if asked."""

import importlib
import resource
import sys
import time
from pathlib import Path


def generated(folder: Path):
    import polars as pl

    module = importlib.import_module("features.trips")
    table = importlib.import_module("mlp_runtime.table")
    given = [table.scan(folder / f"{name}.parquet") for name in module.DATASETS]
    return table.collect(module.rows(*given))


def main(which: str, folder: Path, result: Path | None) -> None:
    if which == "generated":
        compute = generated
        importlib.import_module("features.trips")
    else:
        compute = importlib.import_module(f"by_{which}").features
    before = resource.getrusage(resource.RUSAGE_SELF)
    started = time.perf_counter()
    rows = compute(folder)
    seconds = time.perf_counter() - started
    used = resource.getrusage(resource.RUSAGE_SELF)
    if result is not None:
        rows.to_parquet(result) if which == "pandas" else rows.write_parquet(result)
    processors = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    print(seconds, processors, used.ru_maxrss / 1024)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
