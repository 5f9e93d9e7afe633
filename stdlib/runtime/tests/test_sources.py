"""Every kind of source gives the same table; a look at it finds what ingest would."""

from __future__ import annotations

import gzip
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import psycopg
import pytest
from polars.testing import assert_frame_equal

from mlp_runtime import database, peek, table, unpack
from mlp_runtime.schema import Column, Schema
from mlp_runtime.step import Failure

SCHEMA = Schema(
    dataset="d",
    columns=[
        Column("id", "int"),
        Column("x", "float", nullable=True),
        Column("kind", "category", levels=["a", "b"]),
        Column("late", "bool"),
        Column("day", "date"),
        Column("seen", "timestamp"),
    ],
    key=["id"],
)
ROWS = [
    (1, 1.5, "a", True, date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC)),
    (2, None, "b", False, date(2024, 1, 3), datetime(2024, 1, 3, tzinfo=UTC)),
]
FRAME = pl.DataFrame(
    ROWS,
    schema={
        "id": pl.Int64,
        "x": pl.Float64,
        "kind": pl.String,
        "late": pl.Boolean,
        "day": pl.Date,
        "seen": pl.Datetime("us", "UTC"),
    },
    orient="row",
)
CSV = (
    "id,x,kind,late,day,seen\n"
    "1,1.5,a,true,2024-01-02,2024-01-02T03:04:05Z\n"
    "2,,b,false,2024-01-03,2024-01-03T00:00:00Z\n"
)
CREATE = (
    "create table {} (id integer primary key, x double precision, kind text not null, "
    "late boolean not null, day {} not null, seen {} not null)"
)


def write_zip(path: Path) -> Path:
    """A zip that holds the rows as text."""
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("d.csv", CSV)
    return path


def write_sqlite(path: Path) -> Path:
    """An SQLite file with the rows in `d`; days and times are texts there."""
    connection = sqlite3.connect(path)
    connection.execute(CREATE.format("d", "text", "text"))
    rows = [(*row[:4], row[4].isoformat(), row[5].isoformat()) for row in ROWS]
    connection.executemany("insert into d values (?, ?, ?, ?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def write_duckdb(path: Path) -> Path:
    """A DuckDB file with the rows in `d`."""
    with duckdb.connect(str(path)) as connection:
        connection.execute(CREATE.format("d", "date", "timestamptz"))
        connection.executemany("insert into d values (?, ?, ?, ?, ?, ?)", ROWS)
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The address of a PostgreSQL server of our own, with the rows in `public.d`."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    path = os.pathsep.join([os.environ["PATH"], *(str(folder) for folder in found)])
    programs = {name: shutil.which(name, path=path) for name in ("initdb", "postgres")}
    if None in programs.values():
        reason = "PostgreSQL is not installed (no initdb and postgres): its tests do not run"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    # It refuses to run as root.
    user = "postgres" if os.getuid() == 0 else None
    with tempfile.TemporaryDirectory() as home:
        if user is not None:
            shutil.chown(home, user)
            Path(home).chmod(0o700)
        data = f"{home}/data"
        made = [
            str(programs["initdb"]),
            "-D",
            data,
            "-U",
            "shop",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "-N",
        ]
        subprocess.run(made, check=True, stdout=subprocess.DEVNULL, user=user, cwd=home)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        run = [
            str(programs["postgres"]),
            "-D",
            data,
            "-h",
            "127.0.0.1",
            "-p",
            str(port),
            "-k",
            home,
        ]
        process = subprocess.Popen(run, user=user, cwd=home, stderr=subprocess.DEVNULL)
        try:
            address = f"postgresql://shop:hunter2@127.0.0.1:{port}/postgres"
            fill(address)
            yield address
        finally:
            process.terminate()
            process.wait()


def fill(address: str) -> None:
    """Wait for the server, then give it its rows, the last first."""
    end = time.monotonic() + 30
    while True:
        try:
            connection = psycopg.connect(address)
            break
        except psycopg.OperationalError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)
    with connection:
        connection.execute(CREATE.format("d", "date", "timestamptz"))
        with connection.cursor() as cursor:
            cursor.executemany("insert into d values (%s, %s, %s, %s, %s, %s)", ROWS[::-1])
        connection.execute("create table odd (n numeric, u uuid, j jsonb, a int[], t time)")
        connection.execute(
            "insert into odd values (1.10, '00000000-0000-0000-0000-000000000001', '{\"k\": 1}', "
            "'{1,2}', '01:02')"
        )
    connection.close()


def test_every_file_gives_the_same_table(tmp_path: Path) -> None:
    FRAME.write_ipc(tmp_path / "d.arrow")
    FRAME.write_ipc_stream(tmp_path / "s.arrow")
    FRAME.write_parquet(tmp_path / "d.parquet")
    (tmp_path / "d.csv").write_text(CSV, encoding="utf-8")
    plain, found = table.read_csv(tmp_path / "d.csv", SCHEMA, null=[""])
    assert all(item.passed for item in found)
    read = {
        "zip": table.read_csv(write_zip(tmp_path / "d.zip"), SCHEMA, null=[""]),
        "arrow": table.read_arrow(tmp_path / "d.arrow", SCHEMA),
        "stream": table.read_arrow(tmp_path / "s.arrow", SCHEMA),
        "parquet": table.read_parquet(tmp_path / "d.parquet", SCHEMA),
        "sqlite": table.read_sqlite(write_sqlite(tmp_path / "d.db"), SCHEMA, table="d"),
        "duckdb": table.read_duckdb(write_duckdb(tmp_path / "d.duckdb"), SCHEMA, table="d"),
    }
    for rows, found in read.values():
        assert [item.text for item in found if not item.passed] == []
        assert_frame_equal(rows, plain)


def test_rows_of_a_server_are_sorted_and_typed(server: str, tmp_path: Path) -> None:
    rows = database.postgres(server, database.selection(table="public.d", query=None))
    assert_frame_equal(rows, FRAME)
    table.write(rows, tmp_path / "rows.parquet")
    read, found = table.read_parquet(tmp_path / "rows.parquet", SCHEMA)
    assert all(item.passed for item in found)
    assert read.height == 2


def test_an_export_gives_the_same_bytes_each_time(server: str, tmp_path: Path) -> None:
    made = []
    for name in ("a", "b"):
        file = tmp_path / name
        command = [sys.executable, "-m", "mlp_runtime.export", "SHOP", "--query=select * from d;"]
        runtime = str(Path(database.__file__).parent.parent)
        environment = {**os.environ, "SHOP": server, "PYTHONPATH": runtime}
        subprocess.run([*command, file], check=True, env=environment)
        made.append(file.read_bytes())
    assert made[0] == made[1]


def test_what_a_server_has_no_column_type_for_is_text(server: str) -> None:
    rows = database.postgres(server, "select * from odd")
    assert rows.row(0) == (
        "1.10",
        "00000000-0000-0000-0000-000000000001",
        '{"k": 1}',
        [1, 2],
        "01:02:00",
    )


def test_no_message_tells_a_password(server: str) -> None:
    with pytest.raises(database.DatabaseError, match="does not exist") as error:
        database.postgres(server, "select * from nowhere")
    assert "hunter2" not in str(error.value)
    with pytest.raises(database.DatabaseError) as error:
        database.postgres("postgresql://shop:hunter2@[bad/shop", "select 1")
    assert "hunter2" not in str(error.value)


def test_a_log_beside_a_database_is_refused(tmp_path: Path) -> None:
    path = write_sqlite(tmp_path / "d.db")
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute("insert into d select id + 10, x, kind, late, day, seen from d")
    connection.commit()
    with pytest.raises(Failure, match=r"d\.db-wal holds changes that are not in d\.db yet"):
        table.read_sqlite(path, SCHEMA, table="d")
    connection.close()


def test_a_database_that_is_none_is_told(tmp_path: Path) -> None:
    path = tmp_path / "d.db"
    path.write_text("no database, but long enough to be looked at" * 50, encoding="utf-8")
    with pytest.raises(Failure, match="file is not a database"):
        table.read_sqlite(path, SCHEMA, table="d")
    with pytest.raises(Failure, match=r"d\.db cannot be read"):
        table.read_duckdb(path, SCHEMA, table="d")


def test_of_a_zip_with_several_files_one_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "d.zip")
    with zipfile.ZipFile(path, "a") as packed:
        packed.writestr("more/other.csv", CSV)
        packed.writestr("more/packed.csv.gz", gzip.compress(CSV.encode()))
    with pytest.raises(
        Failure, match=r"holds 3 files, so its member must be named: \S+, more/other.csv"
    ):
        table.read_csv(path, SCHEMA, null=[""])
    with pytest.raises(Failure, match=r"no file more/others.csv; did you mean more/other.csv\?"):
        table.read_csv(path, SCHEMA, null=[""], member="more/others.csv")
    whole, _ = table.read_csv(path, SCHEMA, null=[""], member="more/other.csv")
    packed_twice, _ = table.read_csv(path, SCHEMA, null=[""], member="more/packed.csv.gz")
    assert whole.height > 0 and packed_twice.equals(whole)
    plain = tmp_path / "plain.csv"
    plain.write_text(CSV, encoding="utf-8")
    with pytest.raises(Failure, match="not a zip"):
        table.read_csv(plain, SCHEMA, null=[""], member="more/other.csv")


def test_a_file_is_taken_out_of_either_kind_of_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "d.csv").write_text(CSV, encoding="utf-8")
    with tarfile.open(tmp_path / "p-1.0.tar.gz", "w:gz") as packed:
        packed.add(tmp_path / "d.csv", "p-1.0/p/data/d.csv")
    with zipfile.ZipFile(tmp_path / "p-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(tmp_path / "d.csv", "p/data/d.csv")
    for archive in ("p-1.0.tar.gz", "p-1.0-py3-none-any.whl"):
        unpack.unpack(tmp_path / archive, "p/data/d.csv", tmp_path / "out")
        assert (tmp_path / "out").read_text(encoding="utf-8") == CSV
        with pytest.raises(SystemExit, match=r"did you mean p/data/d\.csv"):
            unpack.unpack(tmp_path / archive, "p/d.csv", tmp_path / "out")


def request(
    kind: str, path: Path | None, schema: list[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    """What is asked of a look, as the compiler asks it."""
    ingest = {
        "dataset": "d",
        "format": {"kind": kind, **more.pop("format", {})},
        "schema": schema,
        "key": [],
        "timestamp": None,
        "timezone": None,
    }
    return {"ingest": ingest, "path": None if path is None else str(path), "server": None, **more}


def column(name: str, kind: str, *, nullable: bool = False, **more: Any) -> dict[str, Any]:
    """A declared column, as the plan writes it."""
    return {
        "name": name,
        "source_name": name,
        "dtype": {"type": kind, **more},
        "nullable": nullable,
        "range": None,
        "matches": None,
        "unique": False,
        "parse": None,
    }


def rules(answer: dict[str, Any]) -> list[tuple[str, str]]:
    """Column and rule of each finding."""
    assert answer["error"] is None
    return [(item["column"], item["rule"]) for item in answer["findings"]]


WRONG = [
    column("Id", "int"),
    column("x", "float"),
    column("kind", "category", levels=["a"]),
    column("late", "float"),
    column("day", "date"),
]


def test_a_look_at_text_reads_its_first_lines(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "d.zip")
    asked = request("csv", path, WRONG, format={"null": [""], "delimiter": ",", "header": True})
    answer = peek.compare(asked)
    assert rules(answer) == [
        ("Id", "missing"),
        ("x", "null"),
        ("kind", "category"),
        ("late", "type"),
    ]
    assert answer["findings"][0]["near"] == "id"


def test_a_look_at_a_footer_counts_nulls(tmp_path: Path) -> None:
    FRAME.write_parquet(tmp_path / "d.parquet")
    answer = peek.compare(request("parquet", tmp_path / "d.parquet", WRONG))
    assert rules(answer) == [("Id", "missing"), ("x", "nullable"), ("late", "type")]
    FRAME.write_ipc(tmp_path / "d.arrow")
    answer = peek.compare(request("arrow", tmp_path / "d.arrow", WRONG))
    assert rules(answer) == [("Id", "missing"), ("late", "type")]


def test_a_look_at_a_catalog_tells_what_may_be_null(server: str, tmp_path: Path) -> None:
    rows = {"rows": {"table": "d"}}
    sqlite = request("sqlite", write_sqlite(tmp_path / "d.db"), WRONG, format=rows)
    assert rules(peek.compare(sqlite)) == [
        ("Id", "missing"),
        ("x", "nullable"),
        ("x", "null"),
        ("kind", "category"),
        ("late", "type"),
    ]
    duck = request("duckdb", write_duckdb(tmp_path / "d.duckdb"), WRONG, format=rows)
    found = [("Id", "missing"), ("x", "nullable"), ("late", "type")]
    assert rules(peek.compare(duck)) == found
    os.environ["SHOP"] = server
    asked = {"server": {"variable": "SHOP", **rows}}
    assert rules(peek.compare(request("parquet", None, WRONG, **asked))) == found


def test_a_look_says_why_there_is_nothing_to_see(tmp_path: Path) -> None:
    asked = request("duckdb", tmp_path / "d.duckdb", WRONG, format={"rows": {"table": "d"}})
    assert peek.compare(asked)["error"] == "there is no d.duckdb"
    assert not (tmp_path / "d.duckdb").exists()
