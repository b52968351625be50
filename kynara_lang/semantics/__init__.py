"""Value semantics: how texts become runtime values and what operations on them mean.

Every part of the project that gives a value a meaning (checker, generated code, explanation, prover) takes it
from the modules of this package, so that they cannot disagree. Import the module that is needed; nothing is
re-exported here.
"""
