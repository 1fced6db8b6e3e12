"""Keys of graphs: the same in every process, another for whatever changes a value."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pymc as pm
import pytensor
import pytensor.tensor as pt
import pytest
from pytensor.compile.builders import OpFromGraph
from pytensor.compile.ops import wrap_py
from pytensor.graph.basic import Apply
from pytensor.graph.op import Op

from palm_bayes.inference import graph_key as keys
from palm_bayes.inference.nuts import _any_runs
from palm_bayes.model.likelihood import LogLikelihood
from palm_bayes.model.one_strategy import build_pooled_model
from palm_bayes.model.priors import named_priors
from palm_bayes.model.steps import pooled
from palm_bayes.model.variables import observations

ROOT = Path(__file__).parents[2]

x, y = pt.vector("x"), pt.vector("y")


def key(*outputs):
    return keys.graph_key([x, y], outputs)


def test_equal_graphs_have_equal_keys_whatever_was_done_with_them():
    before = key(pt.exp(x).max() + y[0])
    pytensor.function([x, y], pt.grad(pt.exp(x).max() + y[0], x), mode="FAST_COMPILE")
    assert key(pt.exp(x).max() + y[0]) == before is not None


@pytest.mark.parametrize(
    "other",
    [
        pt.exp(y) + 1.5,
        pt.exp(x) + 1.6,
        pt.exp(x) - 1.5,
        pt.expm1(x) + 1.5,
        1.5 + pt.exp(x),
        (pt.exp(x) + 1.5).sum(),
        x,
    ],
)
def test_another_graph_has_another_key(other):
    assert key(other) not in {key(pt.exp(x) + 1.5), None}


def test_what_an_operation_is_told_counts():
    m = pt.outer(x, y)
    assert len({key(m.sum(axis=0)), key(m.sum(axis=1)), key(m[0]), key(m[1]), key(m[:1])}) == 5
    assert key(x, y) != key(y, x)


def test_the_type_of_an_input_counts():
    fixed = pt.vector("x", shape=(3,))
    assert keys.graph_key([fixed], [pt.exp(fixed)]) != keys.graph_key([x], [pt.exp(x)])


def test_the_versions_of_the_libraries_count(monkeypatch):
    before = key(x + y)
    monkeypatch.setattr(keys, "version", lambda name: {"pytensor": "0"}.get(name, version(name)))
    assert key(x + y) != before


class Own(Op):
    __props__ = ()

    def make_node(self, value):
        return Apply(self, [value], [value.type()])

    def perform(self, node, inputs, outputs):
        outputs[0][0] = inputs[0]


def same(value):
    return value


own_function = wrap_py([pt.dvector], [pt.dvector])(same)


@pytest.mark.parametrize(
    "output",
    [
        Own()(x),
        own_function(x),
        OpFromGraph([x], [x + 1])(x),
        x + pytensor.shared(np.zeros(2)),
        x + pt.vector("z"),
        x + pm.Normal.dist(),
    ],
    ids=[
        "own operation",
        "own function",
        "inner graph",
        "shared variable",
        "other input",
        "random number",
    ],
)
def test_what_cannot_be_told_has_no_key(output):
    assert key(output) is None


def model_key(priors):
    model = build_pooled_model(priors, pooled(observations(_any_runs())))
    return keys.graph_key([*model.value_vars, model.data_vars[0]], [model.logp()])


def test_models_are_told_by_their_priors():
    default = named_priors("default")
    found = [
        model_key(priors)
        for priors in (
            default,
            default.with_parts(alpha_lo=-2.0),
            default.with_parts(rho=pm.Beta.dist(1.5, 2.6)),
            default.with_parts(noise=pm.Gamma.dist(2, 100)),
        )
    ]
    assert len({*found, None}) == len(found) + 1
    assert model_key(default.with_parts(rho=pm.Beta.dist(1.5, 2.5))) == found[0]


def test_keys_are_the_same_in_another_process():
    code = (
        # By its folder, since some library installs a package named "tests".
        "import sys; sys.path.insert(0, 'tests/inference')\n"
        "from palm_bayes.model.priors import named_priors; from test_graph_key import model_key\n"
        "print(model_key(named_priors('bounds')))"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        command, cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, check=True
    )
    assert done.stdout.strip() == model_key(named_priors("bounds"))


def test_the_code_of_the_packages_own_operation_counts(monkeypatch):
    default = named_priors("default")
    before = model_key(default)
    monkeypatch.setattr(LogLikelihood, "code", "another")
    assert model_key(default) not in {before, None}
