"""A printed statement that is false, with the corrected one beside it."""

from proofs_check.verdict import Grade, Verdict


def erratum(*, printed: Verdict, corrected: Verdict) -> Verdict:
    """Verdict on "the printed statement is false and the correction holds".

    Both parts come from the same check. REFUTED_AS_PRINTED needs a refutation of the first and a
    passing grade of the second; a false correction is REFUTED, and a printed statement that is not
    refuted leaves the erratum UNDECIDED.
    """
    if corrected.grade is Grade.REFUTED:
        return Verdict(
            Grade.REFUTED,
            f"the correction fails: {corrected.evidence}",
            corrected.witness,
            corrected.trusts,
        )
    if printed.grade is not Grade.REFUTED or not corrected.grade.reaches(Grade.CONSISTENT):
        return Verdict(
            Grade.UNDECIDED,
            f"as printed: {printed.grade} ({printed.evidence}); "
            f"corrected: {corrected.grade} ({corrected.evidence})",
            None,
            printed.trusts,
        )
    return Verdict(
        Grade.REFUTED_AS_PRINTED,
        f"printed statement {printed.evidence}; correction {corrected.grade}: {corrected.evidence}",
        printed.witness,
        tuple(dict.fromkeys(printed.trusts + corrected.trusts)),
    )
