"""Writes rows of a PostgreSQL server as a Parquet table, whose digest `mlp.lock` pins.

`python -m mlp_runtime.export VARIABLE (--table NAME | --query SQL) FILE`; the address of the server
is in the variable of the environment, so that it is in no argument that others could see.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mlp_runtime import database, table


def main() -> None:
    """Read, sort, write; say in one line what went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("variable")
    rows = parser.add_mutually_exclusive_group(required=True)
    rows.add_argument("--table")
    rows.add_argument("--query")
    parser.add_argument("file", type=Path)
    given = parser.parse_args()
    uri = os.environ.get(given.variable)
    if not uri:
        sys.exit(f"the variable {given.variable}, which holds the server's address, is not set")
    select = database.selection(table=given.table, query=given.query)
    try:
        table.write(database.postgres(uri, select), given.file)
    except database.DatabaseError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
