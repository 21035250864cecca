"""Training strategies by name."""

from typing import TYPE_CHECKING

from .._base.registry import Registry

if TYPE_CHECKING:
    from .strategy import Strategy


class Strategies(Registry["Strategy"]):
    """The names of strategies; `optax.adamw` and the like are names as well, of the optimizers of optax."""

    def create(self, name: str) -> "Strategy":
        if not name.startswith("optax."):
            return super().create(name)
        from .of_optax import optax_strategy

        return optax_strategy(name)

    def __contains__(self, name: object) -> bool:
        return super().__contains__(name) or (isinstance(name, str) and name.startswith("optax."))


STRATEGIES = Strategies(
    kind="strategy",
    base="pinnkit.training.strategy:Strategy",
    built_in={
        "auto": "pinnkit.training.built_in:auto",
        "adam": "pinnkit.training.built_in:adam",
        "ntk-adam": "pinnkit.training.built_in:ntk_adam",
        "gradient-descent": "pinnkit.training.built_in:gradient_descent",
        "soap": "pinnkit.training.built_in:soap",
        "ntk-soap": "pinnkit.training.built_in:ntk_soap",
        "gauss-newton": "pinnkit.training.built_in:gauss_newton",
        "ssbroyden": "pinnkit.training.built_in:ssbroyden",
        "bfgs": "pinnkit.training.built_in:bfgs",
        "lbfgs": "pinnkit.training.built_in:lbfgs",
    },
    group="pinnkit.strategies",
)
