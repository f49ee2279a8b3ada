"""Is every record that a service wrote read as it was, or not at all?"""

import os
import subprocess
import sys
import tempfile
import threading
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from millrace.adapters.prediction_log import SegmentWriter, encode
from millrace.adapters.prediction_log.privacy import ensure_salt, private_columns
from millrace.adapters.prediction_log.reader import read_window
from millrace.adapters.prediction_log.segment import MAGIC, Damage, list_segments, read_records
from millrace.adapters.prediction_log.writer import Limits
from millrace.domain.pointer import ServingSettings
from millrace.domain.prediction import Alive, Answered, AnsweredRow, Record, ServedModel, Stopped
from tests.logged import AT, MODEL, answered, append_and_wait, wait_until, write_log
from tests.logged import labelled as labelled_record
from tests.logged import shadowed as shadowed_record

texts = st.text(max_size=6)
numbers = st.floats(allow_nan=False)
inputs = st.tuples(st.none() | texts | numbers | st.booleans(), numbers)
answers = numbers | st.none() | st.lists(numbers, min_size=2, max_size=4).map(tuple)
rows = st.builds(AnsweredRow, texts, st.integers(0, 9), numbers, inputs, answers, st.integers(0, 10**9))
records = st.lists(
    st.builds(
        Answered, texts, texts, st.integers(0, 99), texts, st.just(("x", "y")), st.lists(rows, max_size=3)
    )
    | st.builds(Stopped, texts, numbers)
    | st.builds(Alive, texts, numbers, numbers, st.just([ServedModel("m", 1, 2, ("a",), ("a", "b"), None)])),
    max_size=5,
)


def segment_of(written: list[Record]) -> bytes:
    return MAGIC + b"".join(encode(record) for record in written)


def read(content: bytes) -> tuple[list[Record], list[Damage]]:
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        found = list(read_records(file, "segment"))
    damages = [one for one in found if isinstance(one, Damage)]
    return [one for one in found if not isinstance(one, Damage)], damages


@given(records)
def test_what_was_written_is_read(written: list[Record]) -> None:
    assert read(segment_of(written)) == (written, [])


@given(records, st.data())
def test_any_beginning_of_a_segment_reads_as_the_records_that_are_whole_in_it(
    written: list[Record], data: st.DataObject
) -> None:
    content = segment_of(written)
    size = data.draw(st.integers(0, len(content)))
    found, damages = read(content[:size])
    assert found == written[: len(found)]
    assert size - len(segment_of(found)) < (
        len(encode(written[len(found)])) if len(found) < len(written) else 1
    )
    assert [damage.is_torn for damage in damages] == [True] * (size != len(segment_of(found)))


@given(records, st.data())
def test_a_flipped_byte_never_yields_a_record_that_was_not_written(
    written: list[Record], data: st.DataObject
) -> None:
    content = bytearray(segment_of(written))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    found, [damage] = read(bytes(content))
    assert found == written[: len(found)]
    assert (damage.offset if found else 0) <= place
    assert len(segment_of(found)) == (damage.offset or len(MAGIC))


def test_the_zeros_of_a_disk_that_lost_its_power_are_no_records() -> None:
    whole = segment_of([answered("r1")])
    found, [damage] = read(whole + b"\0" * 4096)
    assert (found, damage.offset) == ([answered("r1")], len(whole))


def test_a_record_of_a_later_millrace_is_told_and_does_not_hide_those_after_it() -> None:
    payload = encode(Stopped("one", 1.0))[8:].replace(b"stopped", b"blessed")
    later = len(payload).to_bytes(4, "little") + zlib.crc32(payload).to_bytes(4, "little") + payload
    found, [damage] = read(MAGIC + later + encode(answered("r1")))
    assert found == [answered("r1")]
    assert damage.reason.startswith("no record that is known here")


def test_what_a_service_needs_of_the_log_brings_no_frames_into_its_process() -> None:
    code = "import sys; from millrace.adapters.prediction_log import privacy, writer; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "pandas", "pyarrow", "pydantic", "psutil"} & set(loaded)


def test_a_segment_is_closed_at_its_size_and_its_age_and_at_the_end(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "host:1/a", Limits(segment_bytes=700))
    for number in range(6):
        assert append_and_wait(writer, answered(f"r{number}" * 60)) is None
    writer.close()
    small = [path.name for path in list_segments(tmp_path)]
    assert [name.partition("-")[2] for name in small] == [f"host_1_a-00000{n}.seg" for n in range(1, 4)]
    writer = SegmentWriter(tmp_path, "two", Limits(segment_seconds=0.1))
    writer.append(encode(answered("old")))
    wait_until(lambda: any("two-000001.seg" in path.name for path in list_segments(tmp_path)))
    writer.append(encode(answered("new")))
    wait_until(lambda: any("two-000002" in path.name for path in list_segments(tmp_path)))
    writer.close()
    window = read_window(tmp_path, MODEL, AT, AT.replace(hour=13))
    assert (window.rows, window.damages) == (8, ())
    assert {path.suffix for path in list_segments(tmp_path)} == {".seg"}


def test_a_fast_frame_can_be_read_soon_and_a_service_with_nothing_to_say_leaves_no_file(
    tmp_path: Path,
) -> None:
    SegmentWriter(tmp_path, "silent").close()
    assert list(tmp_path.iterdir()) == []
    writer = SegmentWriter(tmp_path, "one")
    writer.append(encode(answered("r1")))
    wait_until(lambda: read_window(tmp_path, MODEL, AT, AT.replace(hour=13)).rows == 1)
    assert (writer.lag, writer.lost_frames, writer.last_error) == (0, 0, None)
    writer.close()


def test_what_is_more_than_may_wait_is_counted_or_refused_at_once(tmp_path: Path) -> None:
    is_writing, may_go_on = threading.Event(), threading.Event()

    def slow_clock() -> float:
        is_writing.set()
        assert may_go_on.wait(60)
        return AT.timestamp()

    frame = encode(answered("r1"))
    # one frame is more than may wait, and is taken while none does
    writer = SegmentWriter(tmp_path, "one", Limits(waiting_bytes=len(frame) - 1), slow_clock)
    writer.append(frame)
    assert is_writing.wait(60)
    writer.append(encode(answered("r2")))
    writer.append(encode(answered("r3")))
    refused = append_and_wait(writer, answered("r4"))
    assert refused is not None
    assert "takes no more" in str(refused)
    assert writer.lost_frames == 1
    may_go_on.set()
    writer.close()
    assert append_and_wait(writer, answered("r5")) is not None
    window = read_window(tmp_path, MODEL, AT, AT.replace(hour=13))
    assert list(window.predictions["request_id"]) == ["r1", "r2"]


def test_what_is_no_error_of_the_disk_is_told_once_and_the_writer_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    now = [float("nan")]
    writer = SegmentWriter(tmp_path, "one", clock=lambda: now[0])
    errors = [str(append_and_wait(writer, answered(f"r{number}"))) for number in range(3)]
    assert ["ValueError" in error for error in errors] == [True] * 3
    assert len(caplog.records) == 1
    now[0] = AT.timestamp()
    assert append_and_wait(writer, answered("r4")) is None
    assert writer.last_error is None
    writer.close()
    window = read_window(tmp_path, MODEL, AT, AT.replace(hour=13))
    assert list(window.predictions["request_id"]) == ["r4"]


def test_a_folder_that_cannot_be_made_is_told_and_works_once_it_can(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file")
    writer = SegmentWriter(tmp_path / "var" / "predictions", "one")
    assert isinstance(append_and_wait(writer, answered("r1")), OSError)
    assert isinstance(writer.last_error, OSError)
    (tmp_path / "var").unlink()
    assert append_and_wait(writer, answered("r2")) is None
    assert writer.last_error is None
    writer.close()
    window = read_window(tmp_path / "var" / "predictions", MODEL, AT, AT.replace(hour=13))
    assert list(window.predictions["request_id"]) == ["r2"]


@pytest.mark.parametrize("broken", [("fdatasync",), ("fdatasync", "ftruncate")])
def test_after_a_sync_that_failed_nothing_more_goes_into_that_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: tuple[str, ...]
) -> None:
    writer = SegmentWriter(tmp_path, "one")
    assert append_and_wait(writer, answered("r1")) is None

    def fail(*_: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        for name in broken:
            patch.setattr(os, name, fail)
        assert append_and_wait(writer, answered("refused")) is not None
    assert append_and_wait(writer, answered("r2")) is None
    writer.close()
    window = read_window(tmp_path, MODEL, AT, AT.replace(hour=13))
    unacknowledged = [] if broken == ("fdatasync",) else ["refused"]  # whole, but nobody was told so
    assert list(window.predictions["request_id"]) == ["r1", *unacknowledged, "r2"]
    assert [path.suffix for path in list_segments(tmp_path)] == [".open", ".seg"]


def test_one_caller_that_is_gone_does_not_keep_the_others_from_being_told(tmp_path: Path) -> None:
    writer = SegmentWriter(tmp_path, "one")

    def gone(_: OSError | None) -> None:
        raise RuntimeError("Event loop is closed")

    writer.append_durable(encode(answered("r1")), gone)
    assert append_and_wait(writer, answered("r2")) is None
    writer.close()


def test_private_columns_are_hashed_with_the_secret_of_their_log_or_left_out(tmp_path: Path) -> None:
    salt = ensure_salt(tmp_path / "predictions")
    assert ensure_salt(tmp_path / "predictions") == salt
    assert (tmp_path / "predictions" / ".salt").stat().st_mode & 0o777 == 0o600
    settings = ServingSettings(hashed=("ride", "tariff"), left_out=("distance_km",))
    privacy = private_columns(("ride", "distance_km", "tariff"), settings, salt)
    hashed, nothing = privacy.apply((5, 2.5, None))
    assert privacy.columns == ("ride", "tariff")
    assert (len(hashed), nothing) == (32, None)
    of_key = private_columns(("ride",), settings, salt)
    assert of_key.apply((5.0,)) == of_key.apply(("5",)) == (hashed,)
    assert private_columns(("ride",), settings, ensure_salt(tmp_path / "other")).apply((5,)) != (hashed,)


def test_a_model_without_private_columns_is_logged_as_it_came() -> None:
    row = (5, 2.5, "day")
    privacy = private_columns(("ride", "distance_km", "tariff"), ServingSettings(), b"")
    assert privacy.apply(row) is row


def test_records_of_other_models_are_passed_over(tmp_path: Path) -> None:
    write_log(tmp_path, answered("r1"), shadowed_record("r1"), labelled_record(seconds=1))
    assert read_window(tmp_path, "fare", AT, AT.replace(hour=13)).rows == 0
