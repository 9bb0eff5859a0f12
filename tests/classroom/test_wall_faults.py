"""What a wall keeps when processes die, disks are full and databases go away."""

import errno
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, text

from engine.classroom import Wall
from engine.classroom.database import Database
from engine.classroom.files import Files
from engine.classroom.limits import Limit
from engine.classroom.tables import Base
from engine.classroom.upkeep import Upkeep
from engine.core.errors import ClassRefused, NoSuchClass, WallUnavailable
from tests.classroom.test_wall import PICTURE, draft

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from pathlib import Path
from engine.classroom import Draft, Wall
from engine.classroom.limits import Limit

wall = Wall(sys.argv[1], Path(sys.argv[2]))
wall._shows = Limit(1000, 1)
opened = wall.open("t")
key = wall.join(opened.code, "Otter", "a")
print(opened.code, flush=True)
for k in range(200):
    content = k.to_bytes(2, "big") * 5000
    draft = Draft(kind="attack", title=str(k), link="home", figures={}, score=k, still=content)
    wall.show(key, draft)
    print(k, flush=True)
"""


def test_a_server_killed_among_200_writes_loses_nothing_it_has_acknowledged(url, tmp_path):
    command = [sys.executable, "-c", WRITER, url, str(tmp_path / "pictures")]
    writer = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    code, told = writer.stdout.readline().strip(), -1
    while told < 80:
        told = int(writer.stdout.readline())
    writer.kill()
    rest = writer.stdout.read().split()
    writer.stdout.close()
    writer.wait()
    told = int(rest[-1]) if rest else told
    wall = Wall(url, tmp_path / "pictures")
    entries = wall.entries(code, most=1000)
    numbers = sorted(int(entry.title) for entry in entries)
    assert numbers in (list(range(told + 1)), list(range(told + 2)))  # the last was not yet told
    for entry in entries:
        assert wall.file(entry.still) == int(entry.title).to_bytes(2, "big") * 5000
    wall.close()


def test_a_full_disk_is_a_sentence_and_changes_nothing(wall, monkeypatch):
    opened = wall.open("teacher")
    pupil = wall.join(opened.code, "Otter", "a")

    class Full:
        def __init__(self, **options) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.classroom.files.tempfile.NamedTemporaryFile", Full)
    with pytest.raises(WallUnavailable, match="disk is full"):
        wall.show(pupil, draft())
    assert wall.entries(opened.code) == []
    monkeypatch.undo()
    wall.show(pupil, draft())
    assert wall.file(wall.entries(opened.code)[0].still) == PICTURE


def test_a_database_that_is_full_or_read_only_is_a_sentence(tmp_path):
    url = f"sqlite:///{tmp_path / 'classes.db'}"
    wall = Wall(url, tmp_path / "pictures")
    wall._shows = Limit(1000, 1)
    opened = wall.open("teacher")
    with wall._database._engine.connect() as connection:
        connection.execute(text("PRAGMA max_page_count=1"))  # no page more than there are
        connection.rollback()
    pupil = wall.join(opened.code, "Otter", "a")
    long, told = draft(figures={str(k): "x" * 80 for k in range(12)}), 0

    def until_full() -> None:
        nonlocal told
        while told < 200:
            wall.show(pupil, long)
            told += 1

    with pytest.raises(WallUnavailable, match="try again"):
        until_full()
    assert len(wall.entries(opened.code, most=300)) == told
    assert wall.membership(pupil) is not None
    wall.close()


def test_a_database_that_was_away_is_used_again(postgres, tmp_path):
    wall = Wall(postgres, tmp_path)
    opened = wall.open("teacher")
    other = create_engine(postgres)
    with other.connect() as connection:  # as if it had been restarted
        all_but_mine = "FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.execute(text(f"SELECT pg_terminate_backend(pid) {all_but_mine}"))
    other.dispose()
    assert wall.look(opened.code, "a").code == opened.code
    wall.close()


def test_no_database_is_a_sentence(tmp_path):
    with pytest.raises(WallUnavailable):
        Wall("postgresql+psycopg://cat@127.0.0.1:9/none", tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(WallUnavailable):
        Wall(f"sqlite:///{tmp_path / 'file' / 'classes.db'}", tmp_path)


def test_of_thirty_who_want_one_name_at_once_one_gets_it(wall):
    opened = wall.open("teacher")

    def join(number: int) -> bool:
        try:
            wall.join(opened.code, "Otter", number)
        except ClassRefused:
            return False
        return True

    with ThreadPoolExecutor(10) as threads:
        joined = list(threads.map(join, range(30)))
    assert sum(joined) == 1
    assert len(wall.teacher(opened.secret).pupils()) == 1


def test_two_servers_share_one_database(url, tmp_path):
    first, second = (Wall(url, tmp_path / "pictures") for _ in range(2))
    opened = first.open("teacher")
    pupil = second.join(opened.code, "Otter", "a")
    first.show(pupil, draft())
    assert second.file(second.entries(opened.code)[0].still) == PICTURE
    for wall in (first, second):
        wall.close()


def test_a_class_that_ends_while_a_pupil_acts_is_a_sentence(wall, monkeypatch):
    opened = wall.open("teacher")
    pupil = wall.join(opened.code, "Otter", "a")
    keep = wall._files.keep

    def meanwhile(content: bytes) -> str:
        wall.teacher(opened.secret).delete()
        return keep(content)

    monkeypatch.setattr(wall._files, "keep", meanwhile)
    with pytest.raises(NoSuchClass):
        wall.show(pupil, draft())


def test_migrations_lead_to_the_tables(url):
    database = Database(url)
    with database._engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    database.close()


def test_upkeep_goes_on_after_a_sweep_that_failed(monkeypatch, tmp_path):
    upkeep, swept = Upkeep(None, Files(tmp_path), float), threading.Event()
    sweeps = iter([OSError(errno.ESTALE, "Stale file handle"), None])

    def purge():
        if error := next(sweeps, None):
            raise error
        swept.set()
        threading.Event().wait()  # the thread has nothing more to do

    monkeypatch.setattr(upkeep, "purge", purge)
    upkeep.start(every=0.01)
    assert swept.wait(10)


def test_a_folder_that_is_away_is_swept_another_time(monkeypatch, tmp_path):
    files = Files(tmp_path)
    name = files.keep(PICTURE)

    def stale(*_):
        raise OSError(errno.ESTALE, "Stale file handle")

    with monkeypatch.context() as away:
        away.setattr(Path, "glob", stale)
        files.keep_only(set(), frozenset({name}))
    assert files.read(name) == PICTURE
    files.keep_only(set(), frozenset({name}))
    assert not files.read(name)
