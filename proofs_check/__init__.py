"""The ledger: numbered claims, each with a grade, its evidence, and a mutant that must fail."""

from proofs_check.cache import digest as digest
from proofs_check.cache import versions as versions
from proofs_check.ledger import Claim as Claim
from proofs_check.ledger import Ledger as Ledger
from proofs_check.ledger import claim as claim
from proofs_check.ledger import discover as discover
from proofs_check.runner import Result as Result
from proofs_check.runner import record as record
from proofs_check.runner import run as run
from proofs_check.runner import to_json as to_json
from proofs_check.verdict import Grade as Grade
from proofs_check.verdict import Verdict as Verdict
from proofs_check.verdict import every as every
