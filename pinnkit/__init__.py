"""Physics-informed neural networks in JAX, with the neural tangent kernel in the training loop."""

from typing import TYPE_CHECKING

from ._base.lazy import lazy

if TYPE_CHECKING:
    from . import ntk as ntk
    from . import problems as problems
    from . import report as report
    from ._base.devices import sharded as sharded
    from ._base.errors import InputError as InputError
    from ._base.errors import InputTypeError as InputTypeError
    from ._base.errors import MissingPackageError as MissingPackageError
    from ._base.errors import PinnkitError as PinnkitError
    from .automatic.choices import Choices as Choices
    from .checking.check import ProblemCheck as ProblemCheck
    from .checking.check import check as check
    from .diagnostics.problem_kernel import residual_ntk as residual_ntk
    from .diagnostics.problem_kernel import sample_points as sample_points
    from .diagnostics.problem_kernel import training_spectrum as training_spectrum
    from .diagnostics.record import Diagnostics as Diagnostics
    from .drawing.domains import draw as draw
    from .equations.calculus import div as div
    from .equations.calculus import grad as grad
    from .equations.calculus import laplacian as laplacian
    from .equations.calculus import partial as partial
    from .equations.common_conditions import complementarity as complementarity
    from .equations.common_conditions import data as data
    from .equations.common_conditions import dirichlet as dirichlet
    from .equations.common_conditions import initial as initial
    from .equations.common_conditions import integral as integral
    from .equations.common_conditions import interface as interface
    from .equations.common_conditions import neumann as neumann
    from .equations.common_conditions import periodic as periodic
    from .equations.common_conditions import robin as robin
    from .equations.common_conditions import smooth as smooth
    from .equations.condition import Condition as Condition
    from .equations.field import Field as Field
    from .equations.mistakes import ProblemError as ProblemError
    from .equations.problem import Problem as Problem
    from .equations.unknown import Unknown as Unknown
    from .fitting import diagnose as diagnose
    from .fitting import fit as fit
    from .fitting import load as load
    from .geometry.box import Box as Box
    from .geometry.box import Interval as Interval
    from .geometry.domain import AbstractDomain as AbstractDomain
    from .geometry.domain import Evaluation as Evaluation
    from .geometry.implicit import Implicit as Implicit
    from .geometry.meshes.mesh import Mesh as Mesh
    from .geometry.outlines import Outline as Outline
    from .geometry.planar import Annulus as Annulus
    from .geometry.planar import Disk as Disk
    from .geometry.planar import Ellipse as Ellipse
    from .geometry.planar import Polygon as Polygon
    from .geometry.planar import Sector as Sector
    from .geometry.point_cloud import PointCloud as PointCloud
    from .geometry.point_set import PointSet as PointSet
    from .geometry.points import Points as Points
    from .geometry.region import AbstractRegion as AbstractRegion
    from .geometry.shape import Shape as Shape
    from .geometry.shapely_geometry import from_shapely as from_shapely
    from .geometry.spatial import Ball as Ball
    from .geometry.spatial import Cone as Cone
    from .geometry.spatial import Cylinder as Cylinder
    from .geometry.spatial import Torus as Torus
    from .learning_rates.constant import ConstantLearningRate as ConstantLearningRate
    from .learning_rates.ntk import NTKLearningRate as NTKLearningRate
    from .learning_rates.rule import AbstractLearningRate as AbstractLearningRate
    from .learning_rates.rule import StepContext as StepContext
    from .learning_rates.stable import StableLearningRate as StableLearningRate
    from .networks.embeddings import FourierFeatures as FourierFeatures
    from .networks.embeddings import Periodic as Periodic
    from .networks.embeddings import Rescale as Rescale
    from .networks.factorized_dense import FactorizedDense as FactorizedDense
    from .networks.factorized_dense import factorize_weights as factorize_weights
    from .networks.functional import FunctionalModel as FunctionalModel
    from .networks.mlp import MLP as MLP
    from .networks.modified_mlp import ModifiedMLP as ModifiedMLP
    from .networks.pirate_net import PirateNet as PirateNet
    from .networks.random_features import SineFeatures as SineFeatures
    from .networks.separable import SeparableNetwork as SeparableNetwork
    from .networks.siren import Siren as Siren
    from .optimizers.gauss_newton import gauss_newton as gauss_newton
    from .optimizers.levenberg_marquardt import levenberg_marquardt as levenberg_marquardt
    from .optimizers.quasi_newton import quasi_newton as quasi_newton
    from .optimizers.soap import scale_by_soap as scale_by_soap
    from .residuals.forms import Linearization as Linearization
    from .runs.callbacks import Callback as Callback
    from .runs.callbacks import Covered as Covered
    from .runs.callbacks import Progress as Progress
    from .runs.callbacks import Start as Start
    from .runs.export.trackers import MLflow as MLflow
    from .runs.export.trackers import TensorBoard as TensorBoard
    from .runs.export.trackers import WandB as WandB
    from .runs.history import History as History
    from .runs.resume.checkpointing import Checkpoints as Checkpoints
    from .runs.resume.checkpointing import CheckpointWarning as CheckpointWarning
    from .runs.resume.signals import Interrupted as Interrupted
    from .runs.resume.signals import Terminated as Terminated
    from .runs.run_folder import Run as Run
    from .runs.stop_reason import StopReason as StopReason
    from .runs.storage.atomic_files import RunFolderError as RunFolderError
    from .runs.summary import Summary as Summary
    from .samplers.adaptive import AbstractAdaptive as AbstractAdaptive
    from .samplers.kernel_guided import KernelGuided as KernelGuided
    from .samplers.named import SAMPLERS as SAMPLERS
    from .samplers.residual_adaptive import ResidualAdaptive as ResidualAdaptive
    from .samplers.sampler import AbstractSampler as AbstractSampler
    from .samplers.space_filling import AbstractSpaceFilling as AbstractSpaceFilling
    from .samplers.space_filling import QuasiRandom as QuasiRandom
    from .samplers.space_filling import Uniform as Uniform
    from .solution.answers import ExtrapolationWarning as ExtrapolationWarning
    from .solution.bands import BandWarning as BandWarning
    from .solution.integrals import QuadratureWarning as QuadratureWarning
    from .solution.solution import Solution as Solution
    from .sweep import Sweep as Sweep
    from .sweep import fit_many as fit_many
    from .training.named import STRATEGIES as STRATEGIES
    from .training.of_optax import optax_strategy as optax_strategy
    from .training.phase import Phase as Phase
    from .training.strategy import Strategy as Strategy
    from .weighting.balance import AbstractBalance as AbstractBalance
    from .weighting.balance import Balance as Balance
    from .weighting.causal import CausalWeighting as CausalWeighting
    from .weighting.decay_rate import DecayRateWeighting as DecayRateWeighting
    from .weighting.gradient_norm import GradientNormWeighting as GradientNormWeighting
    from .weighting.largest_eigenvalue import LargestEigenvalueWeighting as LargestEigenvalueWeighting
    from .weighting.named import WEIGHTINGS as WEIGHTINGS
    from .weighting.points import AbstractPointWeighting as AbstractPointWeighting
    from .weighting.pointwise import PointwiseNTKWeighting as PointwiseNTKWeighting
    from .weighting.quantile import QuantileWeighting as QuantileWeighting
    from .weighting.relobralo import ReLoBRaLoWeighting as ReLoBRaLoWeighting
    from .weighting.residual_attention import ResidualAttentionWeighting as ResidualAttentionWeighting
    from .weighting.rule import AbstractWeighting as AbstractWeighting
    from .weighting.trace import NTKWeighting as NTKWeighting

__getattr__, __dir__ = lazy(
    __name__,
    {
        "_base.devices": "sharded",
        "_base.errors": "InputError InputTypeError MissingPackageError PinnkitError",
        "automatic.choices": "Choices",
        "checking.check": "ProblemCheck check",
        "diagnostics.problem_kernel": "residual_ntk sample_points training_spectrum",
        "diagnostics.record": "Diagnostics",
        "drawing.domains": "draw",
        "equations.calculus": "div grad laplacian partial",
        "equations.common_conditions": (
            "complementarity data dirichlet initial integral interface neumann periodic robin smooth"
        ),
        "equations.condition": "Condition",
        "equations.field": "Field",
        "equations.mistakes": "ProblemError",
        "equations.problem": "Problem",
        "equations.unknown": "Unknown",
        "fitting": "diagnose fit load",
        "geometry.box": "Box Interval",
        "geometry.domain": "AbstractDomain Evaluation",
        "geometry.meshes.mesh": "Mesh",
        "geometry.implicit": "Implicit",
        "geometry.outlines": "Outline",
        "geometry.planar": "Annulus Disk Ellipse Polygon Sector",
        "geometry.point_cloud": "PointCloud",
        "geometry.point_set": "PointSet",
        "geometry.points": "Points",
        "geometry.region": "AbstractRegion",
        "geometry.shape": "Shape",
        "geometry.shapely_geometry": "from_shapely",
        "geometry.spatial": "Ball Cone Cylinder Torus",
        "learning_rates.constant": "ConstantLearningRate",
        "learning_rates.ntk": "NTKLearningRate",
        "learning_rates.rule": "AbstractLearningRate StepContext",
        "learning_rates.stable": "StableLearningRate",
        "networks.embeddings": "FourierFeatures Periodic Rescale",
        "networks.factorized_dense": "FactorizedDense factorize_weights",
        "networks.functional": "FunctionalModel",
        "networks.mlp": "MLP",
        "networks.modified_mlp": "ModifiedMLP",
        "networks.pirate_net": "PirateNet",
        "networks.random_features": "SineFeatures",
        "networks.separable": "SeparableNetwork",
        "networks.siren": "Siren",
        "optimizers.gauss_newton": "gauss_newton",
        "optimizers.levenberg_marquardt": "levenberg_marquardt",
        "optimizers.quasi_newton": "quasi_newton",
        "optimizers.soap": "scale_by_soap",
        "residuals.forms": "Linearization",
        "runs.callbacks": "Callback Covered Progress Start",
        "runs.export.trackers": "MLflow TensorBoard WandB",
        "runs.history": "History",
        "runs.resume.checkpointing": "CheckpointWarning Checkpoints",
        "runs.resume.signals": "Interrupted Terminated",
        "runs.run_folder": "Run",
        "runs.stop_reason": "StopReason",
        "runs.storage.atomic_files": "RunFolderError",
        "runs.summary": "Summary",
        "samplers.adaptive": "AbstractAdaptive",
        "samplers.kernel_guided": "KernelGuided",
        "samplers.named": "SAMPLERS",
        "samplers.residual_adaptive": "ResidualAdaptive",
        "samplers.sampler": "AbstractSampler",
        "samplers.space_filling": "AbstractSpaceFilling QuasiRandom Uniform",
        "solution.integrals": "QuadratureWarning",
        "solution.bands": "BandWarning",
        "solution.answers": "ExtrapolationWarning",
        "solution.solution": "Solution",
        "sweep": "Sweep fit_many",
        "training.named": "STRATEGIES",
        "training.of_optax": "optax_strategy",
        "training.phase": "Phase",
        "training.strategy": "Strategy",
        "weighting.balance": "AbstractBalance Balance",
        "weighting.causal": "CausalWeighting",
        "weighting.decay_rate": "DecayRateWeighting",
        "weighting.gradient_norm": "GradientNormWeighting",
        "weighting.largest_eigenvalue": "LargestEigenvalueWeighting",
        "weighting.named": "WEIGHTINGS",
        "weighting.points": "AbstractPointWeighting",
        "weighting.pointwise": "PointwiseNTKWeighting",
        "weighting.quantile": "QuantileWeighting",
        "weighting.relobralo": "ReLoBRaLoWeighting",
        "weighting.residual_attention": "ResidualAttentionWeighting",
        "weighting.rule": "AbstractWeighting",
        "weighting.trace": "NTKWeighting",
    },
    subpackages="ntk problems report",
)
