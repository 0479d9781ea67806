from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given

from sheaflab import Network
from tests.sheaflab.strategies import seeds, widths


def test_repr_counts_parameters():
    assert repr(Network.random([2, 4, 1], seed=0)) == "Network([2, 4, 1], 17 parameters)"


def test_forward_of_a_network_done_by_hand():
    net = Network([[[1.0, -1.0], [2.0, 0.0]], [[3.0, -1.0]]], [[0.0, 1.0], [0.5]])
    assert net.preactivations([1.0, 2.0])[0].tolist() == [-1.0, 3.0]
    assert net.forward([1.0, 2.0]).tolist() == [-2.5]


@given(widths, seeds)
def test_every_form_of_storage_gives_the_network_back(tmp_path_factory, shape, seed):
    net = Network.random(shape, seed)
    assert net.widths == shape
    assert net.hidden == sum(shape[1:-1])
    assert net.free == sum(shape[1:])
    assert Network.from_state_dict(net.state_dict()) == net
    path = net.save(tmp_path_factory.mktemp("net") / "net")
    assert path.suffix == ".npz"
    assert Network.load(path) == net
    assert hash(Network.load(path)) == hash(net)


def test_state_dict_keys_follow_pytorch_sequential():
    assert list(Network.random([2, 3, 3, 1]).state_dict()) == [
        "0.weight", "0.bias", "2.weight", "2.bias", "4.weight", "4.bias",
    ]  # fmt: skip


def test_arrays_are_read_only_copies():
    w = np.ones((3, 2))
    net = Network([w, np.ones((1, 3))])
    w[0, 0] = 7
    assert net.weights[0][0, 0] == 1
    with pytest.raises(ValueError, match="read-only"):
        net.weights[0][0, 0] = 2


I2, ROW = [[1.0, 0.0], [0.0, 1.0]], [[1.0, 1.0]]


@pytest.mark.parametrize(
    ("weights", "biases", "message"),
    [
        ([I2, [[1.0], [2.0]]], None, r"`weights\[1\]` must have shape \(2, 2\), got \(2, 1\)"),
        ([I2], None, r"`weights` must have at least 2 matrices .* got 1"),
        ([I2, [[1.0, float("nan")]]], None, r"`weights\[1\]` must be finite, got nan at index \(0, 1\)"),
        ([[[1.0, 2.0], [3.0]], ROW], None, r"`weights\[0\]` must be a rectangular array of real numbers"),
        ([I2, [1.0, 2.0]], None, r"`weights\[1\]` must be a matrix .* got \(2,\)"),
        ([I2, ROW], [[0.0, 0.0]], r"`biases` must have 2 vectors, one for each matrix, got 1"),
        ([I2, ROW], [[0.0], [0.0]], r"`biases\[0\]` must have shape \(2,\), got \(1,\)"),
        ([I2, ROW], [[0.0, 0.0], [np.inf]], r"`biases\[1\]` must be finite, got inf"),
        ([np.zeros((0, 2)), np.zeros((1, 0))], None, r"`weights\[0\]` must be a matrix with at least one row"),
    ],
)
def test_bad_arrays_are_named(weights, biases, message):
    with pytest.raises(ValueError, match=message):
        Network(weights, biases)


def test_what_is_no_sequence_is_named():
    with pytest.raises(TypeError, match="`weights` must be a sequence of matrices, one per layer, got None"):
        Network(None)
    with pytest.raises(TypeError, match=r"`biases` must be a sequence of vectors, one per layer, got 0\.5"):
        Network([I2, ROW], 0.5)


@pytest.mark.parametrize("shape", [[2, 1], [], [2, 0, 1], [2, 2.5, 1], [2.0, 4.0, 1.0], [2, "4", 1], [2, None, 1], None, 3])
def test_bad_widths(shape):
    with pytest.raises(ValueError, match=rf"`widths` must be at least 3 positive integers .*, got {re.escape(repr(shape))}"):
        Network.random(shape)


def test_widths_may_come_from_numpy():
    assert Network.random(np.array([2, 4, 1])) == Network.random([2, 4, 1])


@pytest.mark.parametrize("scale", ["x", None, -0.1, float("nan"), float("inf"), 1j, [0.1]])
def test_a_bad_scale_of_biases(scale):
    with pytest.raises(ValueError, match=rf"`bias_scale` must be a finite number, at least 0, got {re.escape(repr(scale))}"):
        Network.random([2, 2, 1], bias_scale=scale)


def test_bad_input_vector():
    with pytest.raises(ValueError, match=r"`x` must have shape \(2,\), got \(3,\)"):
        Network.random([2, 4, 1]).forward([1, 2, 3])


def test_bad_state_dict():
    with pytest.raises(ValueError, match="got 'running_mean'"):
        Network.from_state_dict({"0.weight": I2, "1.weight": ROW, "running_mean": [0.0]})


def test_load_says_what_it_wants(tmp_path):
    text = tmp_path / "net.npz"
    text.write_text("not a network")
    with pytest.raises(ValueError, match=r"must be an \.npz file written by Network\.save"):
        Network.load(text)
    with pytest.raises(FileNotFoundError):
        Network.load(tmp_path / "nowhere.npz")


def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch):
    path = Network.random([2, 4, 1], seed=1).save(tmp_path / "net")

    def full_disk(*_, **__):
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", full_disk)
    with pytest.raises(OSError, match="no space"):
        Network.random([2, 4, 1], seed=2).save(path)
    assert Network.load(path) == Network.random([2, 4, 1], seed=1)
    assert list(tmp_path.iterdir()) == [path]


def test_many_inputs_at_once_give_the_outputs_of_each():
    net, X = Network.random([3, 5, 4, 2], seed=1), np.random.default_rng(0).standard_normal((7, 3))
    assert net.forward(X).shape == (7, 2)
    np.testing.assert_allclose(net.forward(X), [net.forward(x) for x in X], rtol=0, atol=1e-14)
    for found, layer in zip(net.preactivations(X), zip(*(net.preactivations(x) for x in X), strict=True), strict=True):
        np.testing.assert_allclose(found, layer, rtol=0, atol=1e-14)
    with pytest.raises(ValueError, match=r"`x` must have shape \(m, 3\), got \(3, 7\)"):
        net.forward(X.T)
