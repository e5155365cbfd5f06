"""Reading a table: what its columns are, and every fault of a file in one line."""

import itertools
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nastk.spaces.transnas import MICRO
from nastk.tables import table as tables
from nastk.tables.kinds import KINDS, NASBENCH201
from nastk.tables.table import Table, open_table


def refused(*words, path, column="val_acc_12", dataset=None):
    with pytest.raises(ValueError) as caught:
        Table(path).column(column, dataset)
    message = str(caught.value)
    assert message.startswith(f"{path}: ") and "\n" not in message
    for word in words:
        assert word in message


def test_a_column(write_table):
    table = Table(write_table())
    assert table.kind is NASBENCH201
    assert table.columns == ("val_acc_12", "test_acc_200", "supernet_oneshot_acc")
    column = table.column("val_acc_12", "cifar100")
    assert (column.name, column.dataset, column.space) == ("val_acc_12", "cifar100", "nasbench201")
    assert column.values.tolist() == [1, 4, 7, 10, 13]
    assert (
        column.archs[0] == "|none~0|+|skip_connect~0|skip_connect~1|+|none~0|skip_connect~1|skip_connect~2|"
    )
    assert column.rows[column.archs[3]] == 3
    assert table.column("val_acc_12").dataset == "cifar10"  # the first
    assert table.column("supernet_oneshot_acc").values.tolist() == [0, 3, 6, 9, 12]


def test_data_sets_stand_in_the_file_s_order(write_table):
    path = write_table(datasets=np.array(["cifar100", "ImageNet16-120", "cifar10"]))
    assert Table(path).column("val_acc_12", "cifar10").values.tolist() == [2, 5, 8, 11, 14]
    assert Table(path).column("val_acc_12").dataset == "cifar100"
    assert Table(path).column("supernet_oneshot_acc").dataset == "cifar10"


def test_columns_say_what_they_are(write_table):
    """Test accuracy is said to be so, whatever a column is called elsewhere."""
    columns = NASBENCH201.parts[0].columns
    splits = {name: of["cifar10"].split for name, of in columns.items()}
    assert {name for name, split in splits.items() if split == "test"} == {
        "test_acc_12", "test_acc_200", "test_acc_200_seed888", "supernet_ref_acc",
    }  # fmt: skip
    assert {name for name, split in splits.items() if split == "validation"} == {"val_acc_12"}
    for kind in KINDS:
        for part in kind.parts:
            assert {of.split for of in part.columns[part.validation].values()} == {"validation"}
            if part.report:
                assert {of.split for of in part.columns[part.report].values()} == {"test"}


def test_files_that_are_no_table(tmp_path, write_table):
    refused("no such file or directory", path=tmp_path / "nothing.npz")
    refused("a directory, not a file", path=tmp_path)
    (tmp_path / "text.npz").write_text("text")
    refused("not an .npz file, or a truncated one", path=tmp_path / "text.npz")
    (tmp_path / "empty.npz").write_bytes(b"")
    refused("0 bytes", path=tmp_path / "empty.npz")
    np.savez(tmp_path / "images.npz", x_train=np.zeros(3), y_train=np.zeros(3))
    wanted = (
        "expected the arrays datasets, arch_str (NAS-Bench-201) or tasks, metrics, micro_arch, macro_arch"
    )
    refused("not a table that nastk knows", wanted, "'x_train', 'y_train'", path=tmp_path / "images.npz")
    path = write_table()
    path.write_bytes(path.read_bytes()[:-100])
    refused("not an .npz file, or a truncated one", path=path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"arch_str": np.array(["x"])}, ["arch_str[0]: arch: expected 3 nodes"]),
        ({"arch_str": np.array([1, 2])}, ["arch_str: expected a list of texts, found int64 [2]"]),
        ({"arch_str": np.array([["a"]])}, ["arch_str: expected a list of texts, found <U1 [1, 1]"]),
        ({"arch_str": np.array(["a", "b", "a"])}, ["arch_str: 'a' is given 2 times"]),
        ({"arch_str": np.array([{}])}, ["arch_str holds pickled objects, which nastk never loads"]),
        ({"datasets": np.array([], dtype="U1")}, ["datasets: expected a list of texts, found <U1 [0]"]),
        ({"datasets": np.array(["cifar"])}, ["datasets: unknown data set 'cifar'; did you mean 'cifar10'?"]),
        ({"datasets": np.array(["cifar10"] * 2)}, ["datasets: 'cifar10' is given 2 times"]),
        ({"datasets": np.array(["cifar10"])}, ["val_acc_12: expected numbers [5, 1], found float64 [5, 3]"]),
        ({"val_acc_12": np.zeros(5)}, ["val_acc_12: expected numbers [5, 3], found float64 [5]"]),
        ({"val_acc_12": np.zeros((5, 3), complex)}, ["expected numbers [5, 3], found complex128 [5, 3]"]),
        ({"val_acc_12": np.array(["a"])}, ["val_acc_12: expected numbers [5, 3], found <U1 [1]"]),
        ({"val_acc_12": None}, ["unknown column 'val_acc_12'; known: supernet_oneshot_acc, test_acc_200"]),
    ],
)
def test_faults_of_a_table(write_table, changes, words):
    refused(*words, path=write_table(**changes))


def _texts(*numbers, order="="):
    """Texts of one character each, by its number, as numpy would read it from a file."""
    return np.array(numbers, dtype=np.dtype(np.uint32).newbyteorder(order)).view(
        np.dtype("U1").newbyteorder(order)
    )


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("number", [0x110000, 0x7FFFFFFF, 0xFFFFFFFF, 0xD800, 0xDFFF])
@pytest.mark.parametrize("name", ["datasets", "arch_str"])
def test_texts_of_what_is_no_character(name, number, order, write_table):
    refused(
        f"{name}: holds numbers that are no characters",
        path=write_table(**{name: _texts(65, number, order=order)}),
    )


@pytest.mark.parametrize("name", ["tasks", "metrics", "micro_arch", "macro_arch"])
def test_texts_of_what_is_no_character_in_the_other_table(name, write_transnas):
    path = write_transnas(**{name: _texts(0x110000)})
    column = name.replace("arch", "val")
    refused(f"{name}: holds numbers that are no characters", path=path, column=column)


@pytest.mark.parametrize("number", [0x10FFFF, 0xD7FF, 0xE000, 0])
def test_texts_of_odd_characters(number, write_table):
    refused("arch_str[0]: arch: expected 3 nodes", path=write_table(arch_str=_texts(number, 65)))


@pytest.mark.parametrize("name", ["datasets", "arch_str", "val_acc_12"])
def test_arrays_that_unpack_to_far_more_than_a_table_has(name, write_table, monkeypatch):
    """They are refused by what the file says of itself, before they are unpacked."""
    path = write_table(**{name: np.zeros(3000)})
    monkeypatch.setattr(tables, "MOST_BYTES", 20_000)
    refused(f"{name}: 24,128 bytes unpacked; of a table are read at most 20,000", path=path)


def test_more_texts_than_a_table_has(write_table):
    """Empty ones take no bytes in the file, and each some fifty as one of Python's."""
    path = write_table(arch_str=None)
    with zipfile.ZipFile(path, "a") as file, file.open("arch_str.npy", "w") as member:
        about = {"descr": "<U0", "fortran_order": False, "shape": (10**9,)}
        np.lib.format.write_array_header_1_0(member, about)
    refused("arch_str cannot be read, the file is damaged", path=path)


def test_members_that_are_no_arrays(write_table):
    path = write_table(val_acc_12=None)
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("val_acc_12", "text")
    refused("val_acc_12 cannot be read, the file is damaged", path=path)


def test_columns_and_data_sets_that_are_not_there(write_table):
    path = write_table()
    refused("unknown column 'val_acc'; did you mean 'val_acc_12'?", path=path, column="val_acc")
    refused("unknown column 'arch_str'", path=path, column="arch_str")
    refused(
        "unknown data set of val_acc_12 'cifar-100'; did you mean 'cifar100'? known: ", "ImageNet16-120",
        path=path, dataset="cifar-100",
    )  # fmt: skip
    refused(
        "unknown data set of supernet_oneshot_acc 'cifar100'; did you mean 'cifar10'? known: cifar10",
        path=path, column="supernet_oneshot_acc", dataset="cifar100",
    )  # fmt: skip
    path = write_table(datasets=np.array(["cifar100"]))
    refused("unknown data set of supernet_oneshot_acc", path=path, column="supernet_oneshot_acc")
    with pytest.raises(ValueError, match="NAS-Bench-201 is a table of space nasbench201, not of darts"):
        Table(path).part_of("darts")
    assert Table(path).part_of("nasbench201") is NASBENCH201.parts[0]


def test_a_table_of_two_spaces(write_transnas):
    table = Table(write_transnas())
    assert table.columns == ("micro_val", "macro_val")
    assert table.column("micro_val", "jigsaw").values.tolist() == [3, 10]
    column = table.column("macro_val", "room_layout")
    assert (column.archs, column.space) == (("64-1123-basic",), "transnas-macro")
    assert (column.quantity.metric, column.quantity.direction) == ("valid_neg_loss", "max")
    assert table.part_of("transnas-micro").validation == "micro_val"
    with pytest.raises(ValueError, match="space transnas-micro and transnas-macro, not of nasbench201"):
        table.part_of("nasbench201")


def test_a_table_of_other_metrics_is_refused(write_transnas):
    """A loss under the same name would be searched in the wrong direction."""
    metrics = ["valid_loss"] * 7
    path = write_transnas(metrics=np.array(metrics))
    refused("metrics: expected valid_top1, valid_top1, valid_neg_loss", "'valid_loss, valid_loss", path=path)
    path = write_transnas(micro_arch=np.array(["64-1123-basic"]), micro_val=np.zeros((1, 7)))
    refused("micro_arch[0]: arch: expected 64-41414-a_bc_def", path=path, column="micro_val")


def test_reading_a_table_needs_no_torch(write_table):
    code = (
        "import sys; from pathlib import Path; from nastk.tables.table import Table\n"
        f"Table(Path({str(write_table())!r})).column('val_acc_12')\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent).returncode == 0


NB201_BEST = {"cifar10": 94.3733, "cifar100": 73.5133, "ImageNet16-120": 47.3111}
NB201_MEAN = {"cifar10": 87.0629, "cifar100": 61.4055, "ImageNet16-120": 33.5864}
ALL_SKIPS = "|skip_connect~0|+|skip_connect~0|skip_connect~1|+|skip_connect~0|skip_connect~1|skip_connect~2|"


def test_nasbench201(shared_data):
    table = Table(shared_data / "nasbench201.npz")
    assert set(table.columns) == set(NASBENCH201.parts[0].columns)
    for dataset in table.datasets:
        column = table.column("test_acc_200", dataset)
        assert len(column.archs) == 5**6
        assert column.values.max() == pytest.approx(NB201_BEST[dataset], abs=5e-5)
        assert column.values.mean() == pytest.approx(NB201_MEAN[dataset], abs=5e-5)
    skips = [table.column("test_acc_200", name) for name in table.datasets]
    assert [column.values[column.rows[ALL_SKIPS]] for column in skips] == pytest.approx(
        [54.2967, 15.6067, 16.3222], abs=5e-5
    )


MICRO_BEST = {
    "class_scene": 54.9363, "class_object": 45.5862, "room_layout": -0.6010, "jigsaw": 95.3722,
    "segmentsemantic": 94.6125, "normal": 0.5873, "autoencoder": 0.5772,
}  # fmt: skip
MACRO_BEST = {
    "class_scene": (57.4144, "224131"), "class_object": (47.4224, "22231"), "room_layout": (-0.5822, "214313"),
    "jigsaw": (97.0193, "2243"), "segmentsemantic": (94.8585, "222133"), "normal": (0.6435, "224111"),
    "autoencoder": (0.7488, "221113"),
}  # fmt: skip


def test_best_of_transnas101(shared_data):
    table = Table(shared_data / "transnas101.npz")
    assert table.datasets == tuple(MICRO_BEST)
    for task in table.datasets:
        micro, macro = table.column("micro_val", task), table.column("macro_val", task)
        assert {micro.quantity.direction, macro.quantity.direction} == {"max"}
        assert micro.values.max() == pytest.approx(MICRO_BEST[task], abs=5e-5)
        value, digits = MACRO_BEST[task]
        assert macro.values.max() == pytest.approx(value, abs=5e-5)
        assert macro.archs[macro.values.argmax()] == f"64-{digits}-basic"
    scene = table.column("micro_val", "class_scene")
    assert scene.archs[scene.values.argmax()] == "64-41414-3_32_132"


def test_disconnected_cells_of_transnas101(shared_data):
    """169 cells whose output sees no input: a constant guess, and which ones tells the order of the edges."""
    table = Table(shared_data / "transnas101.npz")
    cells = [MICRO.genotype(cell) for cell in itertools.product(range(4), repeat=6)]
    disconnected = {cell.body for cell in cells if not MICRO.is_connected(cell)}
    assert len(disconnected) == 169

    def with_value(task, value):
        column = table.column("micro_val", task)
        return {
            arch for arch, found in zip(column.archs, column.values, strict=True) if round(found, 4) == value
        }

    assert with_value("class_scene", 7.4841) == disconnected
    assert with_value("jigsaw", 0.0498) == disconnected
    assert with_value("segmentsemantic", 91.8936) == disconnected
    assert with_value("class_object", 26.5476) == disconnected | {"64-41414-2_02_002"}
    assert len(with_value("room_layout", -1.0943) & disconnected) == 166
    assert len(with_value("room_layout", -1.0942) & disconnected) == 3
    for task in ("normal", "autoencoder"):
        column = table.column("micro_val", task)
        assert len({column.values[column.rows[arch]] for arch in disconnected}) > 1


def test_chains_of_transnas101(shared_data):
    """The strings are those of the space, all 3,256: its constraints, enumerated here by their words."""
    found = set(Table(shared_data / "transnas101.npz").column("macro_val").archs)
    expected = set()
    for length in (4, 5, 6):
        for digits in itertools.product("1234", repeat=length):
            strides, doublings = sum(d in "34" for d in digits), sum(d in "24" for d in digits)
            if 1 <= strides <= 4 and 1 <= doublings <= 3:
                expected.add(f"64-{''.join(digits)}-basic")
    assert found == expected and len(found) == 3256


def test_a_table_is_read_once_while_it_stays_as_it_is(write_table):
    path = write_table()
    table = open_table(path)
    assert open_table(path) is table
    write_table(supernet_oneshot_acc=None)
    assert open_table(path) is not table
    assert open_table(path).columns == ("val_acc_12", "test_acc_200")
    path.unlink()
    with pytest.raises(ValueError, match="no such file or directory"):
        open_table(path)
